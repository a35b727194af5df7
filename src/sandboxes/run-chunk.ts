/** One sandbox call: the next of the pending cases, and the report of those that ran. */
import { Fault } from '../errors.ts';
import { nextChunk } from '../rules/chunks.ts';
import { reportChunk } from '../rules/report.ts';
import type { Report } from '../schema/report.ts';
import type { RuleCase } from '../schema/request.ts';
import type { Sandbox, SandboxCall } from './sandbox.ts';

/**
 * @param pending indexes into `all`
 * @throws Fault see {@link Sandbox.verify}; SANDBOX_UNAVAILABLE when there was no time for any case
 */
export async function runChunk(
  sandbox: Sandbox,
  call: Omit<SandboxCall, 'cases'>,
  all: readonly RuleCase[],
  pending: readonly number[],
): Promise<Report> {
  const taken = nextChunk(all, pending);
  const cases = taken.map((index) => all[index]).filter((one) => one !== undefined);
  const engine = call.rule.report === undefined ? 'runtime' : 'sg';
  const report = reportChunk(sandbox.kind, cases, await sandbox.verify({ ...call, cases }), engine);
  if (report.cases.length === 0) {
    throw new Fault('SANDBOX_UNAVAILABLE', 'the sandbox had no time to run a case');
  }
  return report;
}
