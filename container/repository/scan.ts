/**
 * The narrow over a repository: one ast-grep scan in a room for the captures of all rules, read as a stream
 * and dealt out to one spool for each rule. When a scan fails, its rules are scanned in two halves, and so
 * on, until it is known whose captures they are: one rule costs the others time, never their answer.
 */
import { join } from 'node:path';
import { type Jail, ROOM } from '../jail/jail.ts';
import { type RoomExit, runRoom } from '../jail/run.ts';
import { MAX_CONSOLE_BYTES, MAX_ERROR_CHARS } from '../limits.ts';
import { abnormalEnding } from '../outcome.ts';
import { randomName, removeTree, writeTree } from '../temp.ts';
import { cleanText, messageOf } from '../text.ts';
import { undisturbed, wasKilledFromOutside } from '../undisturbed.ts';
import { Deal } from './deal.ts';
import { MAX_LINE_BYTES, MAX_SCAN_WORDS_BYTES, SCAN_ROOM, SCAN_TIMEOUT_MS } from './limits.ts';
import { Lines } from './lines.ts';
import { readMatchLine } from './match-line.ts';
import { SkippedFiles } from './not-scanned.ts';
import { type Narrowable, planScans, type Scan, scanOf } from './plan.ts';
import type { Repository } from './repository.ts';
import type { Spool } from './spool.ts';

export interface ScanInput<Rule> {
  readonly jail: Jail;
  readonly hostDir: string;
  /** For the spools: a folder that no room sees. */
  readonly spoolDir: string;
  readonly repository: Repository;
  readonly rules: readonly Rule[];
  /** What to scan, relative to the project; all of it when empty. */
  readonly paths: readonly string[];
  readonly signal: AbortSignal;
}

/** A rule's matches, or why there is no answer. */
export type RuleMatches = { readonly spool: Spool } | { readonly failure: string };

export interface Scanned<Rule> {
  readonly matches: ReadonlyMap<Rule, RuleMatches>;
  readonly skipped: SkippedFiles;
}

export async function scanRepository<Rule extends Narrowable>(
  input: ScanInput<Rule>,
): Promise<Scanned<Rule>> {
  const matches = new Map<Rule, RuleMatches>();
  const skipped = new SkippedFiles();
  const waiting = planScans(input.rules);
  for (let scan = waiting.shift(); scan !== undefined; scan = waiting.shift()) {
    const { exit, deal, words, broken } = await runScan(input, scan, skipped);
    const failure = broken ?? failureOf(exit, words);
    if (failure === undefined) {
      for (const [rule, result] of deal.results()) matches.set(rule, result);
      continue;
    }
    deal.close();
    const half = Math.ceil(scan.rules.length / 2);
    const [only] = scan.rules;
    if (scan.rules.length > 1 && broken === undefined && !input.signal.aborted) {
      waiting.unshift(scanOf(scan.rules.slice(0, half)), scanOf(scan.rules.slice(half)));
    } else if (only !== undefined) {
      for (const rule of scan.rules) matches.set(rule, { failure });
    }
  }
  return { matches, skipped };
}

interface Ran<Rule> {
  readonly exit: RoomExit;
  readonly deal: Deal<Rule>;
  /** What ast-grep said beside what it was asked for. */
  readonly words: string;
  /** Why its output could not be kept; that is no rule's doing. */
  readonly broken: string | undefined;
}

async function runScan<Rule>(
  input: ScanInput<Rule>,
  scan: Scan<Rule>,
  skipped: SkippedFiles,
): Promise<Ran<Rule>> {
  const ruleDir = layOut(input.hostDir, scan);
  const names = new Map([...scan.captures.values()].map(({ id, name }) => [id, name]));
  let deal = new Deal(scan, input.spoolDir);
  let words = '';
  let broken: string | undefined;
  const run = (): Promise<RoomExit> => {
    deal.close();
    deal = new Deal(scan, join(input.spoolDir, randomName()));
    words = '';
    const stdout = new Lines(MAX_LINE_BYTES, (line) => {
      const match = readMatchLine(line.toString('utf8'), names);
      if (match) deal.add(match);
    });
    const stderr = new Lines(MAX_LINE_BYTES, (line) => {
      const text = line.toString('utf8');
      if (!skipped.add(text) && words.length < MAX_SCAN_WORDS_BYTES) words += `${text}\n`;
    });
    const streams = { stdout, stderr };
    return runRoom(input.jail, scanSpec(input, ruleDir), {
      timeoutMs: SCAN_TIMEOUT_MS,
      signal: input.signal,
      maxOutputBytes: 0,
      keepBytes: MAX_CONSOLE_BYTES,
      onOutput: (from, chunk) => {
        try {
          return streams[from].add(chunk);
        } catch (error) {
          broken = `the matches could not be kept: ${messageOf(error)}`;
          return false;
        }
      },
    });
  };
  const exit = await undisturbed('room', run, wasKilledFromOutside, { command: ROOM.astGrep });
  removeTree(ruleDir);
  return { exit, deal, words, broken };
}

function layOut<Rule>(hostDir: string, scan: Scan<Rule>): string {
  const files: Record<string, string> = { 'sgconfig.yml': 'ruleDirs:\n  - rules\n' };
  let number = 0;
  for (const { text } of scan.captures.values()) files[`rules/${number++}.yml`] = text;
  return writeTree(hostDir, files);
}

function scanSpec<Rule>({ repository, paths }: ScanInput<Rule>, ruleDir: string) {
  const asked = paths.length === 0 ? [] : ['--', ...paths.map((path) => `./${path}`)];
  const output = ['--json=stream', '--inspect=entity', '--color=never'];
  return {
    argv: [ROOM.astGrep, 'scan', '--config', `${ROOM.rule}/sgconfig.yml`, ...output, ...asked],
    cwd: repository.scanCwd,
    caseDir: repository.scanDir,
    ruleDir,
    limits: SCAN_ROOM,
  };
}

/** Exit 0 and 1 are success: the second means that a capture of severity error matched. */
function failureOf(exit: RoomExit, words: string): string | undefined {
  if (exit.failure !== undefined) return exit.failure;
  if (exit.killedFor === 'output') return `a match is longer than ${MAX_LINE_BYTES} bytes`;
  if (exit.killedFor === 'deadline') return `the scan took more than ${SCAN_TIMEOUT_MS / 60_000} minutes`;
  const ending = abnormalEnding(exit);
  if (ending !== undefined) return `ast-grep: ${ending.error?.message ?? ending.outcome}`;
  if (exit.code === 0 || exit.code === 1) return undefined;
  return `ast-grep: ${cleanText(words.trim(), MAX_ERROR_CHARS) || `it exited with ${exit.code}`}`;
}
