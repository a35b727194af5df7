/** What the probe of an isolate saw, and what its surroundings say to that, as the flags of a report. */
import { isolationReport, type Probe } from '../container/isolation.ts';
import type { IsolationFlag, IsolationReport } from '../container/protocol.ts';
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

export function readProbe(checked: Checked): Probe {
  try {
    return JSON.parse(checked.findings[0]?.message ?? '') as Probe;
  } catch {
    return {};
  }
}

export function judgeProbe(
  probe: Probe,
  { jail, visits, lookedUp, leaked, kernel }: Surroundings,
): IsolationReport {
  const held = (name: string): boolean => probe[name] === true;
  // Code that can start nothing, load nothing and signal nobody has no use for a uid or a capability.
  const idle = held('nothingToActWith');
  return isolationReport(jail, probe, {
    dnsBlocked: held('dnsBlocked') && !lookedUp,
    loopbackBlocked: held('loopbackBlocked') && visits === 0,
    outsideWriteBlocked: held('outsideWriteBlocked') && !leaked,
    hostProcessesHidden: idle,
    environmentCleared: held('environmentCleared') && kernel?.environmentCleared !== false,
    uidDropped: idle && kernel?.uidDropped !== false,
    capabilitiesDropped: idle && kernel?.capabilitiesDropped !== false,
    noNewPrivileges: idle && kernel?.noNewPrivileges !== false,
  });
}
