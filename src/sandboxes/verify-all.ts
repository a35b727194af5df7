/** A whole verification in one go, for callers without durable steps: every case, chunk after chunk. */
import { decidesEarly, mergeReports, stillPending } from '../rules/report.ts';
import type { Report } from '../schema/report.ts';
import type { RuleCase } from '../schema/request.ts';
import { runChunk } from './run-chunk.ts';
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
    const call = { id: crypto.randomUUID(), rule, caseTimeoutMs };
    const report = await runChunk(sandbox, call, cases, pending);
    chunks.push(report);
    if (decidesEarly(report)) break;
    pending = stillPending(cases, pending, report);
  }
  return mergeReports(chunks, cases);
}
