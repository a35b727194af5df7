/** `assay test DIR`: runs a rule directory's own cases in a sandbox and prints the report. Signs nothing. */
import colors from 'picocolors';
import { Fault } from '../../src/errors.ts';
import { isGood } from '../../src/rules/case-status.ts';
import { inspectCaptures } from '../../src/rules/inspect.ts';
import { inspectCheck } from '../../src/rules/inspect-check.ts';
import { parseRuleDirectory, type RuleDirectory } from '../../src/rules/layout.ts';
import type { Problem } from '../../src/rules/result.ts';
import { HostSandbox } from '../../src/sandboxes/host.ts';
import { verifyAll } from '../../src/sandboxes/verify-all.ts';
import type { CaseReport, Report, Verdict } from '../../src/schema/report.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { note, plain, print, printJson } from '../output.ts';
import { asText, readTree } from '../read-tree.ts';
import { startVerificationHost } from '../verification-host.ts';

export interface TestOptions {
  readonly sandbox: string;
  readonly timeout: number;
  readonly json?: boolean;
}

const EXIT_OF: Readonly<Record<Verdict, ExitCode>> = {
  accepted: EXIT.ok,
  rejected: EXIT.no,
  inconclusive: EXIT.unknown,
};

export async function test(directory: string, options: TestOptions): Promise<ExitCode> {
  if (options.sandbox !== 'host') {
    throw new UsageError(
      'SANDBOX_NOT_HERE',
      `sandbox ${JSON.stringify(options.sandbox)} cannot be used from the command line`,
      'use --sandbox host',
    );
  }
  const rule = await readRule(directory);
  const captures = inspectCaptures(rule.ruleFiles);
  if (!captures.ok) return refuse(captures.problems, options);
  warnOfInspection(rule.ruleFiles['check.ts'] ?? '');

  const host = await startVerificationHost();
  const stopOnSignal = () => void host.stop().finally(() => process.exit(130));
  process.once('SIGINT', stopOnSignal).once('SIGTERM', stopOnSignal);
  try {
    const tested = { files: rule.ruleFiles, captures: captures.value };
    const report = await verifyAll(new HostSandbox(host), tested, rule.cases, options.timeout);
    printReport(report, options);
    return EXIT_OF[report.verdict];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new UsageError(error.code, error.reason);
  } finally {
    await host.stop();
  }
}

async function readRule(directory: string): Promise<RuleDirectory> {
  const parsed = parseRuleDirectory(asText(await readTree(directory)));
  if (!parsed.ok) throw new UsageError('NOT_A_RULE', parsed.problems.map((one) => one.message).join('; '));
  const { ruleFiles, cases } = parsed.value;
  if (ruleFiles['check.ts'] === undefined) {
    throw new UsageError(
      'NOT_A_RULE',
      `${directory} has no check.ts`,
      'a rule directory holds check.ts, captures/*.yml and .tests/{valid,invalid}/<case>/',
    );
  }
  if (cases.length === 0) {
    throw new UsageError(
      'NO_CASES',
      `${directory} has no cases`,
      'put small repositories into .tests/valid/<case>/ and .tests/invalid/<case>/',
    );
  }
  return parsed.value;
}

/** The service refuses more than the sandbox needs to; whoever tests by hand should know before they sign. */
function warnOfInspection(check: string): void {
  const inspected = inspectCheck(check);
  if (inspected.ok) return;
  for (const problem of inspected.problems)
    note(`${colors.yellow('note:')} the service would refuse this rule: ${plain(problem.message)}`);
}

/** Captures that cannot be read are the rule's fault: rejected, with the reason, without a sandbox. */
function refuse(problems: readonly Problem[], options: TestOptions): ExitCode {
  const message = problems.map((one) => one.message).join('; ');
  if (options.json === true)
    printJson({
      verdict: 'rejected',
      sandbox: options.sandbox,
      isolation: null,
      cases: [],
      notRun: [],
      message,
    });
  else print(`${colors.red('rejected')} ${plain(message)}`);
  return EXIT.no;
}

function printReport(report: Report, options: TestOptions): void {
  if (options.json === true) {
    const { verdict, sandbox, isolation, cases, notRun } = report;
    printJson({ verdict, sandbox, isolation, cases: cases.map(toJson), notRun });
    return;
  }
  for (const one of report.cases) print(caseLine(one));
  if (report.notRun.length > 0) print(colors.dim(`  ${report.notRun.length} cases were not run after these`));
  const passed = report.cases.filter((one) => isGood(one.status)).length;
  const color = report.verdict === 'accepted' ? colors.green : colors.red;
  print(
    `${color(report.verdict)} ${passed} of ${report.cases.length + report.notRun.length} cases pass in the ${report.isolation.jail} room (${Math.round(report.sandboxMs)} ms)`,
  );
}

function caseLine(one: CaseReport): string {
  const mark = isGood(one.status) ? colors.green('✓') : colors.red('✗');
  const message = one.message === undefined ? '' : `  ${plain(one.message)}`;
  return `${mark} ${one.kind.padEnd(7)} ${plain(one.name)}  ${colors.dim(`${one.status}, ${Math.round(one.durationMs)} ms`)}${message}`;
}

function toJson(one: CaseReport): unknown {
  const { name, kind, status, outcome, durationMs, findings, message } = one;
  return {
    name,
    kind,
    status,
    outcome,
    durationMs: Math.round(durationMs),
    findings,
    ...(message === undefined ? {} : { message }),
  };
}
