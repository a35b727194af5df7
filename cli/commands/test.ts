/** `assay test DIR`: runs a rule directory's own cases in a sandbox and prints the report. Signs nothing. */
import colors from 'picocolors';
import type { Problem } from '../../src/rules/result.ts';
import type { Report, SandboxKind, Verdict } from '../../src/schema/report.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { asNoAnswer, noAnswerDocument, printNoAnswer } from '../no-answer.ts';
import { note, plain, print, printJson } from '../output.ts';
import { caseDetails, caseDocument, caseLine, verdictLine } from '../report-text.ts';
import { inspectForSandbox, type RuleOnDisk, readRuleDirectory } from '../rule-directory.ts';
import { withSandbox } from '../warm-sandbox.ts';

export interface TestOptions {
  readonly sandbox: SandboxKind;
  readonly timeout: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

const EXIT_OF: Readonly<Record<Verdict, ExitCode>> = {
  accepted: EXIT.ok,
  rejected: EXIT.no,
  inconclusive: EXIT.unknown,
};
const MAX_NAMED = 5;

export async function test(directory: string, options: TestOptions): Promise<ExitCode> {
  const rule = await readRuleDirectory(directory);
  const inspected = inspectForSandbox(rule.ruleFiles);
  if (!inspected.ok) return refuse(inspected.problems, options);
  for (const line of notesOf(rule, inspected.value.notes)) note(`${colors.yellow('note:')} ${line}`);

  try {
    return await withSandbox(async (sandbox) => {
      const report = await sandbox.verify(options.sandbox, inspected.value.rule, rule.cases, options.timeout);
      printReport(report, rule, options);
      return EXIT_OF[report.verdict];
    });
  } catch (error) {
    const reason = asNoAnswer(error);
    if (options.json === true) printJson(noAnswerDocument(reason, options.sandbox));
    else printNoAnswer(reason);
    return EXIT.unknown;
  }
}

/** The service refuses more than a sandbox needs to; whoever tests by hand should know before they sign. */
function notesOf(rule: RuleOnDisk, problems: readonly Problem[]): string[] {
  const refused = problems.map((one) => `the service would refuse this rule: ${plain(one.message)}`);
  if (rule.leftOut.length === 0) return refused;
  const named = rule.leftOut.slice(0, MAX_NAMED).map(plain).join(', ');
  const more = rule.leftOut.length > MAX_NAMED ? ` and ${rule.leftOut.length - MAX_NAMED} more` : '';
  return [...refused, `no part of a rule, so left out: ${named}${more}`];
}

/** A rule that cannot be read is the rule's fault: rejected, with the reason, without a sandbox. */
function refuse(problems: readonly Problem[], options: TestOptions): ExitCode {
  const message = problems.map((one) => one.message).join('; ');
  if (options.json === true) {
    const { sandbox } = options;
    printJson({ verdict: 'rejected', sandbox, isolation: null, cases: [], notRun: [], message });
  } else print(`${colors.red('rejected')} ${plain(message)}`);
  return EXIT.no;
}

function printReport(report: Report, rule: RuleOnDisk, options: TestOptions): void {
  if (options.json === true) {
    const { verdict, sandbox, isolation, cases, notRun } = report;
    printJson({ verdict, sandbox, isolation, cases: cases.map(caseDocument), notRun });
    return;
  }
  for (const one of report.cases) {
    print(caseLine(one));
    if (options.verbose !== true) continue;
    for (const line of caseDetails(one, rule.ruleFiles['check.ts'] ?? '')) print(line);
  }
  if (report.notRun.length > 0) print(colors.dim(`  ${report.notRun.length} cases were not run after these`));
  print(verdictLine(report));
}
