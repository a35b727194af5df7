/** Whether a replay says the same as what was stored: verdict and the status of every case. Pure. */
import type { CaseReport, Report, Verdict } from '../../src/schema/report.ts';
import type { RuleCase } from '../../src/schema/request.ts';

export interface ComparedCase {
  readonly now: CaseReport;
  /** `null` when this case was not run then, or is new. */
  readonly stored: CaseReport | null;
  readonly agrees: boolean | null;
}

export interface Comparison {
  readonly cases: readonly ComparedCase[];
  readonly storedVerdict: Verdict | null;
  /** `null` when there is nothing to compare: nothing stored, or no answer now. */
  readonly agrees: boolean | null;
}

/** @param whole whether every case of the request was run; a part has no verdict to compare */
export function compare(now: Report, stored: Report | null, whole: boolean): Comparison {
  const cases = now.cases.map((one) => compareCase(one, stored));
  const storedVerdict = stored?.verdict ?? null;
  const known = cases.filter((one) => one.agrees !== null);
  const same = known.every((one) => one.agrees) && (!whole || now.verdict === storedVerdict);
  const comparable = now.verdict !== 'inconclusive' && (whole ? stored !== null : known.length > 0);
  return { cases, storedVerdict, agrees: comparable ? same : null };
}

function compareCase(now: CaseReport, report: Report | null): ComparedCase {
  const stored = report?.cases.find((one) => identity(one) === identity(now)) ?? null;
  return { now, stored, agrees: stored === null ? null : stored.status === now.status };
}

/** How the status stands to the stored one, for a person. */
export function beside({ now, stored, agrees }: ComparedCase): string {
  if (stored === null) return '';
  if (agrees !== true) return `, was ${describe(stored)}`;
  const samely = stored.outcome === now.outcome ? '' : ` (was ${stored.outcome})`;
  return ` as stored${samely}`;
}

function describe({ status, outcome }: CaseReport): string {
  return outcome === 'exited' ? status : `${status} (${outcome})`;
}

/** Names are unique in a request, but a directory may use one under both labels. */
export function identity(one: Pick<RuleCase, 'kind' | 'name'>): string {
  return `${one.kind}/${one.name}`;
}
