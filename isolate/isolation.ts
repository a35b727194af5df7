/**
 * What the probe of an isolate saw, as the flags every back end reports. A wall counts as standing only
 * when its attacks were seen to fail; no answer counts as fallen.
 */
import { ISOLATION_FLAGS, type IsolationFlag, type IsolationReport } from '../container/protocol.ts';
import type { Checked } from '../container/verify.ts';

/** The probe's case: what is not to be changed, and names that a runtime may garble. */
export const PROBE_FILES = { file: 'case', 'b.txt': '', 'b/ü #?%.txt': 'odd' };

export interface Surroundings {
  readonly jail: IsolationReport['jail'];
  /** Visitors that listeners outside of the isolate had. */
  readonly visits: number;
  /** Whether the runtime asked for an address on the probe's behalf, whatever came of it. */
  readonly lookedUp: boolean;
  /** Whether what the probe wrote to its own temporary folder is on the machine's disk. */
  readonly leaked: boolean;
  /** The kernel's account of the process; undefined where there is none to ask. */
  readonly kernel: Readonly<Partial<Record<IsolationFlag, boolean>>> | undefined;
}

export function readProbe(checked: Checked): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(checked.findings[0]?.message ?? '') as Record<string, unknown>;
  } catch {
    return {};
  }
}

export function judgeProbe(
  probe: Readonly<Record<string, unknown>>,
  { jail, visits, lookedUp, leaked, kernel }: Surroundings,
): IsolationReport {
  const held = (name: string): boolean => probe[name] === true;
  // Code that can start nothing, load nothing and signal nobody has no use for a uid or a capability.
  const idle = held('nothingToActWith');
  const measured: Record<string, boolean> = {
    dnsBlocked: held('dnsBlocked') && !lookedUp,
    loopbackBlocked: held('loopbackBlocked') && visits === 0,
    outsideWriteBlocked: held('outsideWriteBlocked') && !leaked,
    hostProcessesHidden: idle,
    environmentCleared: held('environmentCleared') && kernel?.environmentCleared !== false,
    uidDropped: idle && kernel?.uidDropped !== false,
    capabilitiesDropped: idle && kernel?.capabilitiesDropped !== false,
    noNewPrivileges: idle && kernel?.noNewPrivileges !== false,
  };
  const flags = ISOLATION_FLAGS.map((flag) => [flag, measured[flag] ?? held(flag)] as const);
  return {
    jail,
    flags: Object.fromEntries(flags) as Record<IsolationFlag, boolean>,
    measuredAt: new Date().toISOString(),
  };
}
