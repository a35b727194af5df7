/**
 * `assay check [PATH…]`: the signed rules of a repository, on that repository. In this order: find them, verify
 * all of them, and only then run those that may, each from the bytes that were verified.
 */
import type { Severity } from '../../container/protocol.ts';
import type { Trusted } from '../../src/consumer/decide.ts';
import { messageOf } from '../../src/errors.ts';
import { replaceFile } from '../atomic-file.ts';
import { type Admission, type AdmittedRule, admit, requiredFlags } from '../check/admit.ts';
import { changedFiles } from '../check/changed-files.ts';
import { Findings } from '../check/findings.ts';
import { withFingerprints } from '../check/fingerprint.ts';
import { jsonReport } from '../check/json-report.ts';
import { projectPaths } from '../check/paths.ts';
import { printReport } from '../check/print-report.ts';
import { withPrivateDir } from '../check/private-dir.ts';
import { type Progress, progressOn } from '../check/progress.ts';
import { type FoundRule, findProject, type Project } from '../check/project.ts';
import { type CheckReport, compareSeverity, type RuleReport, SEVERITIES } from '../check/report.ts';
import { prepareRooms, type RanRules, type RuleResult, runRules } from '../check/run-rules.ts';
import { SourceFiles } from '../check/source-file.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { printJson } from '../output.ts';
import { loadTrust, type TrustOptions } from '../trust-options.ts';
import { VERSION } from '../version.ts';

export interface CheckOptions extends TrustOptions {
  readonly root?: string;
  readonly rule?: readonly string[];
  readonly diff?: string;
  /** Seconds. */
  readonly timeout: number;
  readonly maxFindings: number;
  readonly failOn: Severity;
  readonly ignoreUnsigned?: boolean;
  readonly explain?: string;
  readonly json?: boolean;
  readonly sarif?: boolean;
  readonly output?: string;
}

/** What rooms are built from must be readable for their uids, whatever the user keeps closed. */
const USERS_UMASK = process.umask(0o022);

export async function check(paths: readonly string[], options: CheckOptions): Promise<ExitCode> {
  if (options.output !== undefined && !options.json && !options.sarif) {
    throw new UsageError('USAGE', '--output needs a form', 'add --json or --sarif');
  }
  const startedAt = performance.now();
  const project = await findProject(options.root ?? '.');
  if (options.explain !== undefined) return explain(project, options.explain, options);
  const chosen = choose(project, options.rule);
  const scan = await projectPaths(project.root, paths);
  const progress = progressOn(process.stderr);
  try {
    const report = await checkProject({ project, chosen, scan, options, startedAt, progress });
    progress.end();
    const code = exitCode(report, options.failOn);
    await present(report, code, options);
    return code;
  } finally {
    progress.end();
  }
}

async function explain(project: Project, name: string, options: CheckOptions): Promise<ExitCode> {
  const directories = choose(project, [name]).map(({ directory }) => directory);
  const { verify } = await import('./verify.ts');
  return verify(directories, options);
}

/** @throws UsageError NO_RULE */
function choose({ rules }: Project, names: readonly string[] | undefined): readonly FoundRule[] {
  if (names === undefined) return rules;
  const unknown = names.find((name) => !rules.some((rule) => rule.name === name));
  if (unknown !== undefined) {
    const known = rules.map((rule) => rule.name).join(', ') || 'none';
    throw new UsageError(
      'NO_RULE',
      `there is no rule ${JSON.stringify(unknown)} here`,
      `there are: ${known}`,
    );
  }
  return rules.filter(({ name }) => names.includes(name));
}

interface Job {
  readonly project: Project;
  readonly chosen: readonly FoundRule[];
  readonly scan: readonly string[];
  readonly options: CheckOptions;
  readonly startedAt: number;
  readonly progress: Progress;
}

async function checkProject(job: Job): Promise<CheckReport> {
  const { project, chosen, options } = job;
  const changed = options.diff === undefined ? undefined : await changedFiles(project.root, options.diff);
  const findings = new Findings(options.maxFindings, changed);
  const results = new Map<AdmittedRule, RuleReport>();
  const { admissions, ran } =
    chosen.length === 0 ? NOTHING : await verifyAndRun(job, changed, findings, results);
  return {
    root: project.root,
    rules: admissions.map((one) =>
      'rule' in one ? (results.get(one.rule) ?? untouched(one.rule)) : turnedAway(one, options),
    ),
    findings: withFingerprints(findings.shown(), new SourceFiles(project.root)),
    counts: findings.counts,
    truncated: findings.truncated,
    scannedFiles: ran?.skipped.scanned ?? 0,
    notScanned: ran?.skipped.list() ?? [],
    isolation: ran?.isolation ?? null,
    durationMs: Math.round(performance.now() - job.startedAt),
  };
}

interface Ran {
  readonly admissions: readonly Admission[];
  /** Undefined when there was nothing to run, or nothing to run it on. */
  readonly ran: RanRules | undefined;
}

const NOTHING: Ran = { admissions: [], ran: undefined };

/** While rules are verified an empty room is tried out; nothing of a rule is in it. */
async function verifyAndRun(
  { project: { root }, chosen, scan, options, progress }: Job,
  changed: ReadonlySet<string> | undefined,
  findings: Findings,
  results: Map<AdmittedRule, RuleReport>,
): Promise<Ran> {
  const trusted = await loadTrust(options);
  return withPrivateDir(async (hostDir) => {
    const preparing = prepareRooms(hostDir, root);
    // Told below, and only if there is something to run.
    preparing.catch(() => {});
    const admissions = await admitAll(chosen, trusted);
    const admitted = admissions.flatMap((one) => ('rule' in one ? [one.rule] : []));
    if (admitted.length === 0 || changed?.size === 0) return { admissions, ran: undefined };
    const ran = await runRules({
      workshop: await preparing,
      rules: admitted,
      paths: scan,
      requiredFlags: requiredFlags(trusted.policy),
      timeoutMs: options.timeout * 1000,
      signal: new AbortController().signal,
      progress: progress.show,
      onResult: (rule, result) => void results.set(rule, reportOf(rule, result, findings)),
    });
    return { admissions, ran };
  });
}

/** One after the other: a rule's files are read whole, and only one rule's at a time need to be held. */
async function admitAll(rules: readonly FoundRule[], trusted: Trusted): Promise<Admission[]> {
  const admissions: Admission[] = [];
  for (const rule of rules) admissions.push(await admit(rule, trusted));
  return admissions;
}

function reportOf({ name, origin }: AdmittedRule, result: RuleResult, findings: Findings): RuleReport {
  const { matches, failure, checkMs } = result;
  const timed = checkMs === undefined ? {} : { checkMs };
  if (failure) return { name, origin, status: 'failed', refusal: failure, matches, findings: 0, ...timed };
  return {
    name,
    origin,
    status: 'checked',
    matches,
    findings: findings.add(name, result.findings),
    ...timed,
  };
}

function untouched({ name, origin }: AdmittedRule): RuleReport {
  return { name, origin, status: 'checked', matches: 0, findings: 0 };
}

function turnedAway(one: Exclude<Admission, { rule: AdmittedRule }>, options: CheckOptions): RuleReport {
  const { name, refusal } = one;
  const ignored =
    one.expected === true || (options.ignoreUnsigned === true && refusal.reason === 'not_signed');
  const origin = one.origin === undefined ? {} : { origin: one.origin };
  return { name, status: ignored ? 'ignored' : 'refused', refusal, matches: 0, findings: 0, ...origin };
}

function exitCode({ rules, counts, notScanned }: CheckReport, failOn: Severity): ExitCode {
  const unanswered = rules.some(({ status }) => status === 'refused' || status === 'failed');
  if (unanswered || notScanned.some(({ reason }) => reason === 'unreadable')) return EXIT.unknown;
  const counting = SEVERITIES.filter((severity) => compareSeverity(severity, failOn) <= 0);
  return counting.some((severity) => counts[severity] > 0) ? EXIT.no : EXIT.ok;
}

async function present(report: CheckReport, code: ExitCode, options: CheckOptions): Promise<void> {
  if (!options.json && !options.sarif) return printReport(report, new SourceFiles(report.root));
  const document = options.json
    ? jsonReport(report, code)
    : (await import('../check/sarif-report.ts')).sarifReport(report, code, VERSION);
  if (options.output === undefined) return printJson(document);
  try {
    // Never through a link: the repository that is checked could have laid one there.
    const bytes = new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`);
    await replaceFile(options.output, bytes, 0o666 & ~USERS_UMASK);
  } catch (error) {
    throw new UsageError('NOT_WRITTEN', `${options.output} could not be written: ${messageOf(error)}`);
  }
  printReport(report, new SourceFiles(report.root));
}
