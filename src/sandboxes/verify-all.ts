/** A whole verification in one go, for callers without durable steps: every case, chunk after chunk. */
import { Fault } from '../errors.ts';
import { nextChunk } from '../rules/chunks.ts';
import { decidesEarly, mergeReports, reportChunk, stillPending } from '../rules/report.ts';
import type { Report } from '../schema/report.ts';
import type { RuleCase } from '../schema/request.ts';
import type { Sandbox, SandboxCall } from './sandbox.ts';

/** @throws Fault see {@link Sandbox.verify} */
export async function verifyAll(
  sandbox: Sandbox,
  rule: SandboxCall['rule'],
  cases: readonly RuleCase[],
  caseTimeoutMs: number,
): Promise<Report> {
  const chunks: Report[] = [];
  let pending = cases.map((_, index) => index);
  while (pending.length > 0) {
    const taken = nextChunk(cases, pending);
    const chunkCases = taken.map((index) => cases[index]).filter((one) => one !== undefined);
    const answer = await sandbox.verify({
      id: crypto.randomUUID(),
      rule,
      cases: chunkCases,
      caseTimeoutMs,
    });
    const report = reportChunk(sandbox.kind, chunkCases, answer);
    if (report.cases.length === 0)
      throw new Fault('SANDBOX_UNAVAILABLE', 'the sandbox had no time to run a case');
    chunks.push(report);
    if (decidesEarly(report)) break;
    pending = stillPending(cases, pending, report);
  }
  return mergeReports(chunks, cases);
}
