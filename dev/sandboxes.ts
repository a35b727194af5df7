/**
 * The sandboxes of a local stack: rooms where this machine can build them, and isolates, which must agree
 * with them. Both are supervised. What cannot be had is said, and one is enough.
 */
import { fileURLToPath } from 'node:url';
import { UsageError } from '../cli/exit.ts';
import type { VerificationHost } from '../cli/verification-host.ts';
import { superviseHost } from './supervised-host.ts';

export interface LocalSandboxes {
  /** Settings of the Worker that make it use them. */
  readonly settings: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

const ISOLATE_MAIN = fileURLToPath(new URL('../isolate/main.ts', import.meta.url));

/** @throws UsageError when this machine can run neither */
export async function startSandboxes(onLog: (text: string) => void): Promise<LocalSandboxes> {
  const kinds = [
    { kind: 'host', prefix: 'SANDBOX', program: {} },
    { kind: 'isolate', prefix: 'ISOLATE', program: { main: ISOLATE_MAIN } },
  ] as const;
  const started = await Promise.all(
    kinds.map(async ({ kind, prefix, program }) => {
      const say = (why: string) => onLog(`assay: the ${kind} sandbox ${why}\n`);
      return { kind, prefix, say, host: await orReason(superviseHost(program, say)) };
    }),
  );
  const running: { kind: string; settings: Record<string, string>; host: VerificationHost }[] = [];
  for (const { kind, prefix, say, host } of started) {
    if (host instanceof UsageError) say(`cannot be started: ${host.message}`);
    else running.push({ kind, host, settings: address(prefix, host) });
  }
  const [first] = started;
  if (running.length === 0 && first?.host instanceof UsageError) throw first.host;
  return {
    settings: Object.assign(
      { SANDBOX: running.map((one) => one.kind).join() },
      ...running.map((one) => one.settings),
    ),
    stop: async () => {
      await Promise.all(running.map((one) => one.host.stop()));
    },
  };
}

function address(prefix: 'SANDBOX' | 'ISOLATE', host: VerificationHost): Record<string, string> {
  return {
    [`${prefix}_HOST_URL`]: host.url,
    [`${prefix}_HOST_TOKEN`]: host.token,
    [`${prefix}_BUILD_ID`]: host.buildId,
  };
}

/** A machine that lacks something is a result here; anything else is thrown on. */
function orReason(starting: Promise<VerificationHost>): Promise<VerificationHost | UsageError> {
  return starting.catch((error: unknown) => {
    if (error instanceof UsageError) return error;
    throw error;
  });
}
