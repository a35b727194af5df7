/**
 * Runs admitted rules on the project: one scan for all of them, then their checks, as many at a time as there
 * are processors. What an ast-grep rule matches is what it finds: it has no check. While the scan runs, types
 * are taken out of the checks and the walls are measured; no check runs before every wall that is asked for
 * was seen to hold.
 */
import { availableParallelism } from 'node:os';
import type {
  CheckError,
  Finding,
  IsolationFlag,
  IsolationReport,
  MatchReport,
  Outcome,
} from '../../container/protocol.ts';
import { runRepositoryCheck } from '../../container/repository/check.ts';
import type { Reach } from '../../container/repository/egress.ts';
import type { SkippedFiles } from '../../container/repository/not-scanned.ts';
import { reportSpool } from '../../container/repository/report.ts';
import { closedFolder } from '../../container/repository/repository.ts';
import { scanRepository } from '../../container/repository/scan.ts';
import type { Spool } from '../../container/repository/spool.ts';
import { stripAll } from '../../container/repository/strip.ts';
import { NoJail, openWorkshop, type RepositoryWorkshop } from '../../container/repository/workshop.ts';
import { writeTree } from '../../container/temp.ts';
import { messageOf } from '../../src/errors.ts';
import { UsageError } from '../exit.ts';
import type { AdmittedRule } from './admit.ts';
import type { Refusal } from './report.ts';

export interface RunInput {
  readonly workshop: RepositoryWorkshop;
  readonly rules: readonly AdmittedRule[];
  /** Relative to the root; the whole project when empty. */
  readonly paths: readonly string[];
  readonly requiredFlags: readonly IsolationFlag[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly progress: (what: string) => void;
  /** For tests: how granted hosts are reached. No option or variable leads here. */
  readonly reach?: Reach;
  /** Called as each rule ends. */
  readonly onResult: (rule: AdmittedRule, result: RuleResult) => void;
}

export interface RuleResult {
  readonly matches: number;
  readonly findings: readonly Finding[];
  readonly failure?: Refusal;
  readonly checkMs?: number;
}

export interface RanRules {
  readonly isolation: IsolationReport;
  readonly skipped: SkippedFiles;
}

/** @throws UsageError NOT_ISOLATED; then no check has run */
export async function runRules(input: RunInput): Promise<RanRules> {
  const { workshop, rules, signal, progress } = input;
  const withCheck = rules.filter(({ report }) => report === undefined);
  const sources = withCheck.map(({ files }) => files['check.ts'] ?? '');
  const stripping = stripAll(workshop.jail, workshop.hostDir, sources, signal);
  progress('scanning');
  const [{ matches, skipped }, stripped, isolation] = await Promise.all([
    scanRepository({ ...workshop, rules, paths: input.paths, signal }),
    stripping,
    workshop.isolation,
  ]);
  requireWalls(isolation, input.requiredFlags);
  const codes = new Map(withCheck.map((rule, index) => [rule, stripped[index]]));
  const queue = [...rules];
  const work = async (): Promise<void> => {
    for (let rule = queue.shift(); rule !== undefined; rule = queue.shift()) {
      progress(`running ${rule.name}`);
      const found = matches.get(rule) ?? { failure: 'it was not scanned' };
      if ('failure' in found) input.onResult(rule, failed('scan_failed', found.failure));
      else if (found.spool.matches === 0) input.onResult(rule, { matches: 0, findings: [] });
      else {
        const code = codes.get(rule) ?? { ending: { outcome: 'host_error' as const } };
        const { report } = rule;
        const running =
          report === undefined ? runOne(input, rule, found.spool, code) : reportOne(found.spool, report);
        input.onResult(rule, await running.catch((error) => failed('check_host_error', messageOf(error))));
      }
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return { isolation, skipped };
}

/** @throws UsageError NO_JAIL | CLOSED_REPOSITORY, with what would help */
export async function prepareRooms(hostDir: string, root: string): Promise<RepositoryWorkshop> {
  try {
    const workshop = await openWorkshop(hostDir, root);
    const closed = workshop.jail.ownUid ? closedFolder(root) : undefined;
    if (closed === undefined) return workshop;
    throw new UsageError(
      'CLOSED_REPOSITORY',
      `rooms that root starts run as a user without rights, who may not enter ${closed}`,
      `run it as the owner of the files, or open them to others: chmod o+rX ${closed}`,
    );
  } catch (error) {
    if (!(error instanceof NoJail)) throw error;
    const [message, ...rest] = error.message.split('\n');
    throw new UsageError('NO_JAIL', message ?? '', rest.join('\n  '));
  }
}

function requireWalls({ flags }: IsolationReport, required: readonly IsolationFlag[]): void {
  const fallen = required.filter((flag) => !flags[flag]);
  if (fallen.length === 0) return;
  throw new UsageError(
    'NOT_ISOLATED',
    `no check was run: these walls were not seen to hold on this machine: ${fallen.join(', ')}`,
    'run it again; if it stays so, use another machine',
  );
}

type Stripped = Awaited<ReturnType<typeof stripAll>>[number];

async function runOne(
  { timeoutMs, signal, workshop, reach }: RunInput,
  { endpoints }: AdmittedRule,
  spool: Spool,
  stripped: Stripped,
): Promise<RuleResult> {
  const { matches } = spool;
  if (!('code' in stripped)) {
    const { outcome, error } = stripped.ending;
    return { ...failed(`check_${outcome}`, errorText(error) ?? outcome), matches };
  }
  const { jail, hostDir, repository } = workshop;
  const startedAt = performance.now();
  const { outcome, error, findings, refused } = await runRepositoryCheck({
    jail,
    projectDir: repository.projectDir,
    checkDir: writeTree(hostDir, { 'check.mjs': stripped.code }),
    spool,
    endpoints,
    ...(reach === undefined ? {} : { reach }),
    timeoutMs,
    signal,
  });
  spool.close();
  const checkMs = Math.round(performance.now() - startedAt);
  const failure = failureOf(outcome, error, refused);
  return failure === undefined ? { matches, findings, checkMs } : { ...failed(...failure), matches, checkMs };
}

/** A check that was refused a connection has failed whatever it returned: it tried more than was granted. */
function failureOf(
  outcome: Outcome,
  error: CheckError | undefined,
  refused: readonly string[],
): [reason: string, message: string] | undefined {
  const tries = refused.length === 0 ? [] : [`connections were refused: ${refused.join('; ')}`];
  if (outcome === 'exited' && error === undefined) {
    return tries[0] === undefined ? undefined : ['egress_refused', tries[0]];
  }
  const reason = outcome === 'exited' ? 'check_threw' : `check_${outcome}`;
  return [reason, [errorText(error) ?? outcome, ...tries].join('; ')];
}

async function reportOne(spool: Spool, report: MatchReport): Promise<RuleResult> {
  const { matches } = spool;
  const { outcome, error, findings } = await reportSpool(spool, report);
  spool.close();
  if (outcome === 'exited') return { matches, findings };
  return { ...failed(`check_${outcome}`, errorText(error) ?? outcome), matches };
}

function failed(reason: string, message: string): RuleResult {
  return { matches: 0, findings: [], failure: { reason, message } };
}

function errorText(error: CheckError | undefined): string | undefined {
  if (error === undefined) return undefined;
  const where = error.line === undefined ? '' : ` (check.ts:${error.line})`;
  return `${error.name}: ${error.message}${where}`;
}
