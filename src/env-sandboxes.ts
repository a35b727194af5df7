/**
 * The sandbox part of the configuration: `SANDBOX` lists the back ends of this deployment, the preferred
 * one first, and each listed one must be complete. Nothing is available because it happens to be bound.
 */
import { z } from 'zod';
import type { Bindings } from './env.ts';
import type { ContainerGate } from './sandboxes/container-gate.ts';
import type { SandboxPolicy } from './sandboxes/select.ts';
import type { VerificationContainer } from './sandboxes/verification-container.ts';
import { SANDBOX_KINDS, type SandboxKind } from './schema/report.ts';

/** `buildId`: the only build of a verification host whose answers count. */
export interface ContainerAddress {
  readonly namespace: DurableObjectNamespace<VerificationContainer>;
  readonly gate: DurableObjectNamespace<ContainerGate>;
  readonly buildId: string;
}
export interface HttpAddress {
  /** Origin, without a trailing slash. */
  readonly url: string;
  readonly token: string;
  readonly buildId: string;
}
export interface ServiceAddress {
  readonly service: Fetcher;
  readonly buildId: string;
}

export interface SandboxConfig {
  readonly policy: SandboxPolicy;
  readonly container: ContainerAddress | null;
  readonly host: HttpAddress | null;
  readonly isolate: HttpAddress | ServiceAddress | null;
}

export const origin = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

const kinds = z
  .string()
  .transform((text) => text.split(',').map((kind) => kind.trim()))
  .pipe(z.array(z.enum(SANDBOX_KINDS)).min(1))
  .refine((list) => new Set(list).size === list.length, 'names a sandbox twice');

export const sandboxPolicy = z.object({
  SANDBOX: kinds,
  SANDBOX_AGREEMENT: z.enum(['required-where-possible', 'off']).default('required-where-possible'),
});

const build = z.string().regex(/^[\w:.-]{8,128}$/);
const token = z.string().min(16);
const settingsOf = {
  container: z.object({ SANDBOX_BUILD_ID: build }),
  host: z.object({ SANDBOX_BUILD_ID: build, SANDBOX_HOST_URL: origin, SANDBOX_HOST_TOKEN: token }),
  isolateByUrl: z.object({ ISOLATE_BUILD_ID: build, ISOLATE_HOST_URL: origin, ISOLATE_HOST_TOKEN: token }),
  isolateByBinding: z.object({ ISOLATE_BUILD_ID: build }),
};

/** What was found wrong, as an error of zod or a sentence. */
export type Report = (problem: z.ZodError | string) => void;

/** @param given the bindings without those that are set to nothing */
export function checkSandboxes(
  bindings: Bindings,
  given: Readonly<Record<string, unknown>>,
  report: Report,
): SandboxConfig | null {
  const policy = sandboxPolicy.safeParse(given);
  if (!policy.success) {
    report(policy.error);
    return null;
  }
  const available: readonly SandboxKind[] = policy.data.SANDBOX;
  const wanted = <T>(kind: SandboxKind, check: () => T | null): T | null =>
    available.includes(kind) ? check() : null;
  const config = {
    container: wanted('container', () => checkContainer(bindings, given, report)),
    host: wanted('host', () => checkHost(given, report)),
    isolate: wanted('isolate', () => checkIsolate(bindings, given, report)),
  };
  const [preferred] = available;
  if (preferred === undefined || available.some((kind) => config[kind] === null)) return null;
  return { policy: { preferred, available, agreement: policy.data.SANDBOX_AGREEMENT }, ...config };
}

function checkContainer(
  bindings: Bindings,
  given: Readonly<Record<string, unknown>>,
  report: Report,
): ContainerAddress | null {
  const parsed = settingsOf.container.safeParse(given);
  if (!parsed.success) report(parsed.error);
  const { VERIFICATION_CONTAINER: namespace, CONTAINER_GATE: gate } = bindings;
  for (const name of ['VERIFICATION_CONTAINER', 'CONTAINER_GATE'] as const) {
    if (bindings[name] === undefined) report(`${name} binding is missing, but SANDBOX lists container`);
  }
  if (!parsed.success || namespace === undefined || gate === undefined) return null;
  return { namespace, gate, buildId: parsed.data.SANDBOX_BUILD_ID };
}

function checkHost(given: Readonly<Record<string, unknown>>, report: Report): HttpAddress | null {
  const parsed = settingsOf.host.safeParse(given);
  if (!parsed.success) {
    report(parsed.error);
    return null;
  }
  const { SANDBOX_HOST_URL: url, SANDBOX_HOST_TOKEN: hostToken, SANDBOX_BUILD_ID: buildId } = parsed.data;
  return { url, token: hostToken, buildId };
}

/** By URL where one is given (the local stack), else by the service binding. */
function checkIsolate(
  bindings: Bindings,
  given: Readonly<Record<string, unknown>>,
  report: Report,
): HttpAddress | ServiceAddress | null {
  const service = bindings.ISOLATE;
  if (given.ISOLATE_HOST_URL !== undefined || service === undefined) {
    const parsed = settingsOf.isolateByUrl.safeParse(given);
    if (!parsed.success) {
      report(parsed.error);
      return null;
    }
    const { ISOLATE_HOST_URL: url, ISOLATE_HOST_TOKEN: hostToken, ISOLATE_BUILD_ID: buildId } = parsed.data;
    return { url, token: hostToken, buildId };
  }
  const parsed = settingsOf.isolateByBinding.safeParse(given);
  if (!parsed.success) {
    report(parsed.error);
    return null;
  }
  return { service, buildId: parsed.data.ISOLATE_BUILD_ID };
}
