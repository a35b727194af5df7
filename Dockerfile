# The verification host: runs untrusted rules and checks, each in an empty room, and nothing else.
#
# CI builds this for linux/amd64, replaces the base tag by its digest (--build-arg NODE_IMAGE=node@sha256:…),
# pushes, and deploys by digest. The image holds no secret and needs none; no package is installed at run time.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# The ast-grep binary, from the npm package whose integrity hash is in package-lock.json.
FROM --platform=linux/amd64 ${NODE_IMAGE} AS ast-grep
WORKDIR /install
COPY package.json package-lock.json ./
# No install scripts: the binary is taken from the platform package itself.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && test "$(node_modules/@ast-grep/cli-linux-x64-gnu/ast-grep --version)" = "ast-grep 0.51.1"

FROM --platform=linux/amd64 ${NODE_IMAGE}

# bubblewrap builds the rooms; util-linux is the fallback and drops limits and privileges inside them; tini is
# pid 1, because bubblewrap leaves dead children to it. Exact versions: when Debian replaces one the build
# fails, and the new one is chosen on purpose.
ARG BUBBLEWRAP_VERSION=0.8.0-2+deb12u1
ARG UTIL_LINUX_VERSION=2.38.1-5+deb12u3
ARG TINI_VERSION=0.19.0-1+b3
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      "bubblewrap=${BUBBLEWRAP_VERSION}" "util-linux=${UTIL_LINUX_VERSION}" "mount=${UTIL_LINUX_VERSION}" \
      "tini=${TINI_VERSION}" \
 && rm -rf /var/lib/apt/lists/* \
 # Nothing installs packages from here on.
 && rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn*

COPY --from=ast-grep /install/node_modules/@ast-grep/cli-linux-x64-gnu/ast-grep /usr/local/bin/ast-grep
COPY container /assay/container

# What the host answers as its build id. Without it the host digests its own sources.
ARG BUILD_ID=
RUN if [ -n "${BUILD_ID}" ]; then printf '%s\n' "${BUILD_ID}" > /assay/build-id; fi
LABEL org.opencontainers.image.title="assay verification host" dev.assay.build-id="${BUILD_ID}"

# Constants only; whatever belongs to one verification travels in its request.
ENV NODE_ENV=production \
    ASSAY_HOST_PORT=8080 \
    ASSAY_HOST_BIND=0.0.0.0 \
    ASSAY_AST_GREP=/usr/local/bin/ast-grep \
    # Where the engine allows no namespace the host starts all the same, so that its isolation report says so;
    # no answer of such a host is ever accepted.
    ASSAY_DEGRADED_JAIL=1
EXPOSE 8080
STOPSIGNAL SIGTERM

# The supervisor is root only to build namespaces and to hand out uids. It runs no untrusted code; whatever
# runs in a room has a uid of 60001 to 64999 outside, and no capability there or in the room.
USER root
WORKDIR /assay

HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
  CMD ["/usr/local/bin/node", "-e", "const t = process.env.ASSAY_HOST_TOKEN; fetch('http://127.0.0.1:8080/healthz', { headers: t ? { authorization: `Bearer ${t}` } : {} }).then((r) => r.json()).then((h) => process.exit(h.ok ? 0 : 1), () => process.exit(1))"]

# Our own entry point: no control server, no shell between the signal and the host.
ENTRYPOINT ["/usr/bin/tini", "--", "/usr/local/bin/node", "/assay/container/main.ts"]
