/**
 * The narrow: finds a rule's matches in one case with ast-grep, inside a room (the rule text is
 * untrusted). Same invocations as the Taskless CLI: all anchor captures in one `--json=stream` scan,
 * each broad capture in a `--files-with-matches` scan of its own, working directory = the case.
 * It parses no YAML; which capture is which comes from the caller.
 */
import { join } from 'node:path';
import { type Jail, ROOM } from './jail/jail.ts';
import type { RoomExit } from './jail/run.ts';
import { MAX_CONSOLE_BYTES, MAX_ERROR_CHARS, MAX_MATCHES, MAX_SCAN_BYTES, NARROW_ROOM } from './limits.ts';
import { abnormalEnding, type Ending, TOO_MANY_MATCHES } from './outcome.ts';
import type { CaptureInput, Match, RuleInput } from './protocol.ts';
import { writeTree } from './temp.ts';
import { cleanText } from './text.ts';
import { runUndisturbed } from './undisturbed.ts';
import type { Narrowed } from './verify.ts';

/** One ast-grep scan: its configuration folder inside the room and the captures it covers. */
export interface Scan {
  readonly folder: string;
  readonly broad: CaptureInput | undefined;
}

export interface NarrowPlan {
  /** Host directory to show at {@link ROOM.rule}. */
  readonly dir: string;
  readonly scans: readonly Scan[];
  readonly names: ReadonlyMap<string, string>;
  /** True when a capture's globs make its meaning depend on where a scan starts. */
  readonly scoped: boolean;
}

const CONFIG = 'ruleDirs:\n  - rules\n';

/** Lays the capture files out once per verification, byte for byte. */
export function planNarrow(parent: string, rule: RuleInput): NarrowPlan {
  const files: Record<string, string> = {};
  const scans: Scan[] = [];
  const add = (folder: string, captures: readonly CaptureInput[], broad: CaptureInput | undefined): void => {
    files[`${folder}/sgconfig.yml`] = CONFIG;
    for (const { file } of captures) {
      files[`${folder}/rules/${file.slice('captures/'.length)}`] = rule.files[file] ?? '';
    }
    scans.push({ folder: join(ROOM.rule, folder), broad });
  };
  const anchors = rule.captures.filter((capture) => capture.match === 'anchor');
  if (anchors.length > 0) add('anchor', anchors, undefined);
  const broads = rule.captures.filter((capture) => capture.match === 'broad');
  broads.sort((a, b) => (a.file < b.file ? -1 : 1));
  for (const [index, capture] of broads.entries()) add(`broad-${index}`, [capture], capture);
  const names = new Map(rule.captures.map((capture) => [capture.id, capture.name]));
  const scoped = rule.captures.some((capture) => capture.scoped);
  return { dir: writeTree(parent, files), scans, names, scoped };
}

export async function narrow(
  jail: Jail,
  plan: NarrowPlan,
  caseDir: string,
  deadlineAt: number,
  signal: AbortSignal,
): Promise<Narrowed> {
  const scanned = await runScans(jail, plan, caseDir, deadlineAt, signal);
  const isTooMuch = !scanned.ending && scanned.matches.length > MAX_MATCHES;
  return isTooMuch ? { matches: [], ending: TOO_MANY_MATCHES } : scanned;
}

/** Every scan of the plan over one directory; stops at the first that does not succeed. */
export async function runScans(
  jail: Jail,
  plan: NarrowPlan,
  caseDir: string,
  deadlineAt: number,
  signal: AbortSignal,
): Promise<Narrowed> {
  const matches: Match[] = [];
  for (const scan of plan.scans) {
    const mode = scan.broad === undefined ? '--json=stream' : '--files-with-matches';
    const argv = [ROOM.astGrep, 'scan', '--config', `${scan.folder}/sgconfig.yml`, mode, '--threads=1'];
    const exit = await runUndisturbed(
      jail,
      { argv, cwd: ROOM.case, caseDir, ruleDir: plan.dir, limits: NARROW_ROOM },
      {
        timeoutMs: deadlineAt - performance.now(),
        signal,
        maxOutputBytes: MAX_SCAN_BYTES,
        keepBytes: MAX_CONSOLE_BYTES,
        keepStdout: true,
      },
    );
    const bad = scanEnding(exit);
    if (bad) return { matches: [], ending: bad, undead: exit.undead };
    const found =
      scan.broad === undefined
        ? anchorMatches(exit.stdout, plan.names)
        : broadMatches(exit.stdout, scan.broad);
    for (const match of found) matches.push(match);
  }
  return { matches };
}

/** Exit 0 and 1 are success; ast-grep's own message explains anything else. */
function scanEnding(exit: RoomExit): Ending | undefined {
  const abnormal = abnormalEnding(exit);
  if (abnormal) return abnormal;
  if (exit.code === 0 || exit.code === 1) return undefined;
  const message = cleanText(exit.stderr.trim(), MAX_ERROR_CHARS) || `ast-grep exited with ${exit.code}`;
  return { outcome: 'exited', error: { name: 'NarrowFailed', message } };
}

export function broadMatches(stdout: string, capture: CaptureInput): Match[] {
  const files = new Set(
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map(plainPath),
  );
  return [...files].map((file) => ({
    rule: capture.name,
    ruleId: capture.id,
    file,
    line: 1,
    column: 1,
    text: '',
    captures: {},
  }));
}

export function anchorMatches(stdout: string, names: ReadonlyMap<string, string>): Match[] {
  const matches: Match[] = [];
  for (const line of stdout.split('\n')) {
    const match = readMatch(line, names);
    if (match) matches.push(match);
  }
  return matches;
}

/** The part of ast-grep's JSON that is read. Absent parts make the line "not a match". */
interface ScanLine {
  readonly text?: unknown;
  readonly file?: unknown;
  readonly ruleId?: unknown;
  readonly range?: { readonly start?: { readonly line?: unknown; readonly column?: unknown } };
  readonly metaVariables?: { readonly single?: Readonly<Record<string, { readonly text?: unknown }>> };
}

/** One line of `--json=stream`; undefined when it is not a match. */
export function readMatch(line: string, names: ReadonlyMap<string, string>): Match | undefined {
  if (!line.startsWith('{')) return undefined;
  let found: ScanLine;
  try {
    found = JSON.parse(line) as ScanLine;
  } catch {
    return undefined;
  }
  const { text, file, ruleId } = found;
  const start = found.range?.start;
  if (typeof text !== 'string' || typeof file !== 'string' || typeof ruleId !== 'string') return undefined;
  if (typeof start?.line !== 'number' || typeof start.column !== 'number') return undefined;
  const captures: Record<string, string> = {};
  for (const [name, variable] of Object.entries(found.metaVariables?.single ?? {})) {
    if (typeof variable?.text === 'string') captures[name] = variable.text;
  }
  return {
    rule: names.get(ruleId) ?? ruleId,
    ruleId,
    file: plainPath(file),
    line: start.line + 1,
    column: start.column + 1,
    text,
    captures,
  };
}

function plainPath(path: string): string {
  return path.startsWith('./') ? path.slice(2) : path;
}
