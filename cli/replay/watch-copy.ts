/**
 * Runs a local copy, then again after every edit, one run at a time, in a sandbox that stays warm. Nothing
 * that is wrong with the copy or with a run ends it; Ctrl-C does.
 */
import colors from 'picocolors';
import type { SandboxKind } from '../../src/schema/report.ts';
import { asNoAnswer, noAnswerDocument } from '../no-answer.ts';
import { plain, print, printError, printJsonLine } from '../output.ts';
import { inspectForSandbox } from '../rule-directory.ts';
import type { WarmSandbox } from '../warm-sandbox.ts';
import { compare } from './compare.ts';
import { pickCases, type ReplayInputs, storedReport } from './inputs.ts';
import { type CopyContent, readCopy } from './local-copy.ts';
import { printReplay, type Replayed, replayDocument } from './show.ts';
import { TreeWatcher } from './watch.ts';

export interface WatchJob {
  readonly directory: string;
  readonly inputs: ReplayInputs;
  readonly kind: SandboxKind;
  readonly sandbox: WarmSandbox;
  readonly names: readonly string[] | undefined;
  readonly json: boolean;
}

const CLEAR_SCREEN = '\u001b[2J\u001b[H';

/** Never returns; the signal that ends it ends the process. */
export async function watchCopy(job: WatchJob): Promise<never> {
  // Nobody reads any more: there is nobody to run for.
  process.stdout.once('error', () => process.kill(process.pid, 'SIGTERM'));
  const watcher = await TreeWatcher.open(job.directory);
  let answered: string | null = null;
  for (let run = 1; ; run += 1) {
    answered = await runCopy(job, run, answered);
    await watcher.changed();
  }
}

/** @returns digest of the copy that has its answer; `null` when it has none and is worth another run */
async function runCopy(job: WatchJob, run: number, answered: string | null): Promise<string | null> {
  try {
    const copy = await readCopy(job.directory, job.inputs);
    if (copy.digest === answered) return answered;
    if (job.json) await runToJson(job, run, copy);
    else await runToScreen(job, run, copy);
    return copy.digest;
  } catch (error) {
    const reason = asNoAnswer(error);
    if (job.json) printJsonLine({ run, ...noAnswerDocument(reason, job.kind) });
    else {
      printHead(job, run);
      printError(reason);
      printFoot(job);
    }
    return null;
  }
}

async function runToJson(job: WatchJob, run: number, copy: CopyContent): Promise<void> {
  const replayed = await runOnce(job, copy);
  const { generation, attempt } = job.inputs;
  printJsonLine(
    typeof replayed === 'string'
      ? {
          run,
          generation,
          attempt,
          verdict: 'rejected',
          agrees: null,
          edited: copy.edited,
          message: replayed,
        }
      : { run, ...replayDocument(replayed) },
  );
}

async function runToScreen(job: WatchJob, run: number, copy: CopyContent): Promise<void> {
  const replayed = await runOnce(job, copy);
  printHead(job, run);
  if (typeof replayed === 'string') print(`${colors.red('rejected')} ${plain(replayed)}`);
  else printReplay(replayed);
  printFoot(job);
}

/** What came out, or why the copy is rejected without a sandbox. */
async function runOnce(job: WatchJob, copy: CopyContent): Promise<Replayed | string> {
  const { inputs, kind } = job;
  const inspected = inspectForSandbox(copy.ruleFiles);
  if (!inspected.ok) return inspected.problems.map((one) => one.message).join('; ');
  const cases = pickCases(copy.cases, job.names);
  const { rule } = inspected.value;
  const report = await job.sandbox.verify(kind, rule, cases, inputs.caseTimeoutMs);
  const stored = storedReport(inputs.reports, kind);
  const comparison = compare(report, stored, cases.length === copy.cases.length);
  const check = copy.ruleFiles['check.ts'] ?? '';
  return { inputs, report, stored, comparison, check, edited: copy.edited };
}

function printHead(job: WatchJob, run: number): void {
  if (process.stdout.isTTY) process.stdout.write(CLEAR_SCREEN);
  print(colors.dim(`── run ${run} of ${job.directory}`));
}

function printFoot(job: WatchJob): void {
  print(colors.dim(`watching ${job.directory}: save to run it again, Ctrl-C to end`));
}
