/**
 * `assay replay GENERATION`: runs what a generation stored again, in a sandbox of this machine, and says
 * whether it comes out the same. With --watch a local copy is run again whenever it is edited.
 */
import colors from 'picocolors';
import type { SandboxKind } from '../../src/schema/report.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { asNoAnswer, noAnswerDocument, printNoAnswer } from '../no-answer.ts';
import { note, plain, print, printJson } from '../output.ts';
import { compare } from '../replay/compare.ts';
import { loadInputs, pickCases, type ReplayInputs, storedReport } from '../replay/inputs.ts';
import { defaultDirectory, openCopy } from '../replay/local-copy.ts';
import { printReplay, type Replayed, replayDocument } from '../replay/show.ts';
import { watchCopy } from '../replay/watch-copy.ts';
import { type WarmSandbox, withSandbox } from '../warm-sandbox.ts';

export interface ReplayOptions extends ConnectionOptions {
  readonly attempt?: number;
  readonly case?: readonly string[];
  readonly sandbox?: SandboxKind;
  readonly watch?: boolean;
  readonly dir?: string;
  readonly fresh?: boolean;
  readonly json?: boolean;
}

export async function replay(id: string, options: ReplayOptions): Promise<ExitCode> {
  if (options.fresh === true && options.watch !== true && options.dir === undefined)
    throw new UsageError('NO_COPY', '--fresh is about the local copy: give --watch or --dir with it');
  const inputs = await loadInputs(new ApiClient(findConnection(options)), id, options.attempt);
  pickCases(inputs.cases, options.case);
  const directory = await copyFor(inputs, options);
  if (options.json !== true) print(title(inputs));
  return withSandbox(async (sandbox) => {
    const kind = await startKind(sandbox, inputs, options).catch(asNoAnswer);
    if (kind instanceof UsageError) return noAnswer(kind, options.sandbox ?? 'host', options);
    if (options.watch === true && directory !== null)
      return watchCopy({
        directory,
        inputs,
        kind,
        sandbox,
        names: options.case,
        json: options.json === true,
      });
    return replayOnce(sandbox, kind, inputs, options);
  });
}

async function replayOnce(
  sandbox: WarmSandbox,
  kind: SandboxKind,
  inputs: ReplayInputs,
  options: ReplayOptions,
): Promise<ExitCode> {
  const cases = pickCases(inputs.cases, options.case);
  try {
    const report = await sandbox.verify(kind, inputs.rule, cases, inputs.caseTimeoutMs);
    const stored = storedReport(inputs.reports, kind);
    const comparison = compare(report, stored, cases.length === inputs.cases.length);
    const check = inputs.rule.files['check.ts'] ?? '';
    const replayed: Replayed = { inputs, report, stored, comparison, check, edited: false };
    if (options.json === true) printJson(replayDocument(replayed));
    else printReplay(replayed);
    return exitOf(comparison.agrees);
  } catch (error) {
    return noAnswer(asNoAnswer(error), kind, options);
  }
}

function exitOf(agrees: boolean | null): ExitCode {
  if (agrees === null) return EXIT.unknown;
  return agrees ? EXIT.ok : EXIT.no;
}

/** The local copy, where one is wanted. */
async function copyFor(inputs: ReplayInputs, options: ReplayOptions): Promise<string | null> {
  if (options.watch !== true && options.dir === undefined) return null;
  const directory = options.dir ?? defaultDirectory(inputs);
  const state = await openCopy(directory, inputs, options.fresh === true);
  if (state === 'edited' && options.watch !== true) {
    throw new UsageError(
      'COPY_EDITED',
      `${directory} was edited; it is not written over`,
      `"assay test ${directory}" runs it, --watch goes on with it, --fresh starts over`,
    );
  }
  if (state === 'edited') note(`${directory} was edited and stays so; --fresh starts over`);
  else note(colors.dim(`${state === 'written' ? 'wrote' : 'found'} the local copy ${directory}`));
  return directory;
}

/** The kind asked for; else the kind that verified it then where that can be had here, else `host`. */
async function startKind(
  sandbox: WarmSandbox,
  inputs: ReplayInputs,
  options: ReplayOptions,
): Promise<SandboxKind> {
  const wanted = options.sandbox ?? inputs.reports[0]?.sandbox ?? 'host';
  try {
    await sandbox.start(wanted);
    return wanted;
  } catch (error) {
    if (options.sandbox !== undefined || wanted === 'host' || !(error instanceof UsageError)) throw error;
    note(`the sandbox ${wanted} of then cannot be had here (${plain(error.message)}); using host`);
    await sandbox.start('host');
    return 'host';
  }
}

function noAnswer(error: UsageError, kind: SandboxKind, options: ReplayOptions): ExitCode {
  if (options.json === true) printJson(noAnswerDocument(error, kind));
  else printNoAnswer(error);
  return EXIT.unknown;
}

function title({ generation, attempt, attemptVerdict, rule }: ReplayInputs): string {
  const which = `${plain(generation)}, attempt ${attempt} (${attemptVerdict ?? 'not judged'})`;
  return `${colors.bold(plain(rule.name))}  ${which}: ${plain(rule.summary)}`;
}
