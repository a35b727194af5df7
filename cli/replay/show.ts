/** One replay, for a person and for a program. */
import colors from 'picocolors';
import type { Report } from '../../src/schema/report.ts';
import { plain, print } from '../output.ts';
import { caseDetails, caseDocument, caseLine, verdictLine } from '../report-text.ts';
import { beside, type Comparison } from './compare.ts';
import type { ReplayInputs } from './inputs.ts';

export interface Replayed {
  readonly inputs: ReplayInputs;
  readonly report: Report;
  readonly stored: Report | null;
  readonly comparison: Comparison;
  /** Text of the `check.ts` that was run. */
  readonly check: string;
  /** Whether what was run is still what was stored. */
  readonly edited: boolean;
}

export function printReplay(replayed: Replayed): void {
  const { report, comparison } = replayed;
  for (const one of comparison.cases) {
    print(caseLine(one.now, beside(one)));
    for (const line of caseDetails(one.now, replayed.check)) print(line);
  }
  for (const name of report.notRun) print(colors.dim(`  ${plain(name)}  was not run after these`));
  print(verdictLine(report));
  print(comparisonLine(replayed));
}

function comparisonLine({ comparison, report, stored, edited }: Replayed): string {
  const { agrees, storedVerdict, cases } = comparison;
  if (stored === null) return colors.yellow('nothing is stored to compare with: the attempt was not judged');
  // Another version of Node or ast-grep may be why.
  const sameKind = stored.sandbox === report.sandbox;
  const build = sameKind && stored.build.id !== report.build.id ? ', another build' : '';
  const before = `stored: ${storedVerdict} in the sandbox ${stored.sandbox}${build}`;
  if (agrees === null) return colors.yellow(`no comparison: these cases have no stored answer (${before})`);
  const subject = edited ? 'the edited copy' : 'the replay';
  if (agrees) return colors.green(`${subject} agrees with what was stored (${before})`);
  const differing = cases.filter((one) => one.agrees === false).length;
  const what = differing === 0 ? 'the verdict' : differing === 1 ? 'one case' : `${differing} cases`;
  return colors.yellow(`${subject} differs in ${what} (${before})`);
}

export function replayDocument(replayed: Replayed): Record<string, unknown> {
  const { inputs, report, stored, comparison, edited } = replayed;
  return {
    generation: inputs.generation,
    attempt: inputs.attempt,
    attemptVerdict: inputs.attemptVerdict,
    rule: inputs.rule.name,
    verdict: report.verdict,
    agrees: comparison.agrees,
    edited,
    sandbox: report.sandbox,
    build: report.build,
    stored: stored && { verdict: stored.verdict, sandbox: stored.sandbox, build: stored.build },
    isolation: report.isolation,
    cases: comparison.cases.map(({ now, stored: before, agrees }) => ({
      ...caseDocument(now),
      agrees,
      stored: before === null ? null : { status: before.status, outcome: before.outcome },
    })),
    notRun: report.notRun,
    sandboxMs: Math.round(report.sandboxMs),
  };
}
