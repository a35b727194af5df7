/** What a replay runs and compares with: the stored request, rule and reports of one attempt, exact. */
import { CASE_TIMEOUT_MS } from '../../container/protocol.ts';
import type { Attempt, GenerationDetail } from '../../src/schema/api.ts';
import type { Report, SandboxKind, Verdict } from '../../src/schema/report.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import type { Rule } from '../../src/schema/rule.ts';
import type { ApiClient } from '../client.ts';
import { UsageError } from '../exit.ts';

export interface ReplayInputs {
  readonly generation: string;
  readonly attempt: number;
  /** Of the attempt as a whole; where two sandboxes ran, neither of them has it alone. */
  readonly attemptVerdict: Verdict | null;
  readonly rule: Rule;
  readonly cases: readonly RuleCase[];
  readonly caseTimeoutMs: number;
  /** Of the sandbox that verified, then of the one that had to agree; empty when nothing was judged. */
  readonly reports: readonly Report[];
}

/** @throws UsageError NO_ATTEMPT | NO_RULE, or what the service refuses */
export async function loadInputs(
  client: ApiClient,
  id: string,
  wanted: number | undefined,
): Promise<ReplayInputs> {
  const generation = await client.get(id);
  const { n: attempt, verdict: attemptVerdict } = pickAttempt(generation, wanted);
  const [request, rule, first, second] = await Promise.all([
    client.request(id),
    client.attemptRule(id, attempt),
    client.report(id, attempt, 'report'),
    client.report(id, attempt, 'confirmation'),
  ]);
  return {
    generation: generation.id,
    attempt,
    attemptVerdict,
    rule,
    cases: request.cases,
    caseTimeoutMs: request.limits?.caseTimeoutMs ?? CASE_TIMEOUT_MS,
    reports: [first, second].filter((one) => one !== null),
  };
}

/** The attempt asked for, or the last with a rule. */
export function pickAttempt(generation: GenerationDetail, wanted: number | undefined): Attempt {
  const { attempts } = generation;
  if (attempts.length === 0) throw new UsageError('NO_ATTEMPT', 'the generation has no attempt yet');
  // The size is recorded with the rule, so an attempt without one was refused before it had a rule.
  const hasRule = (one: Attempt) => one.size !== null;
  if (wanted === undefined) {
    const last = attempts.findLast(hasRule);
    if (last !== undefined) return last;
    throw new UsageError(
      'NO_RULE',
      `no attempt has a rule: ${attempts.at(-1)?.summary ?? 'none is inspected'}`,
    );
  }
  const found = attempts.find((one) => one.n === wanted);
  const listed = `the generation has ${attempts.map((one) => one.n).join(', ')}`;
  if (found === undefined) throw new UsageError('NO_ATTEMPT', `there is no attempt ${wanted}; ${listed}`);
  if (hasRule(found)) return found;
  const withRule = attempts.filter(hasRule).map((one) => one.n);
  throw new UsageError(
    'NO_RULE',
    `attempt ${wanted} has no rule: ${found.summary ?? 'it is not inspected yet'}`,
    withRule.length === 0 ? undefined : `attempts with a rule: ${withRule.join(', ')}`,
  );
}

/** The cases of these names, in request order. @throws UsageError NO_CASE, listing the names there are */
export function pickCases<T extends Pick<RuleCase, 'name'>>(
  cases: readonly T[],
  names: readonly string[] | undefined,
): readonly T[] {
  if (names === undefined || names.length === 0) return cases;
  const unknown = names.find((name) => !cases.some((one) => one.name === name));
  if (unknown === undefined) return cases.filter((one) => names.includes(one.name));
  throw new UsageError(
    'NO_CASE',
    `there is no case ${JSON.stringify(unknown)}`,
    `the cases are:\n${cases.map((one) => `    ${one.name}`).join('\n')}`,
  );
}

/** What the sandbox of this kind said then; where none of this kind ran, what the first one said. */
export function storedReport(reports: readonly Report[], kind: SandboxKind): Report | null {
  return reports.find((one) => one.sandbox === kind) ?? reports[0] ?? null;
}
