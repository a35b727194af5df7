/**
 * The narrow by wasm: the matches of a rule in the files of a case, as ast-grep's command line gives them.
 * Files come in path order, captures in file-name order, matches in source order.
 */
import { MAX_MATCHES, MAX_SCAN_BYTES } from '../../container/limits.ts';
import { type Ending, ending, STOPPED, TOO_MANY_MATCHES } from '../../container/outcome.ts';
import type { CaptureInput, CaseInput, Match, RuleInput } from '../../container/protocol.ts';
import { messageOf } from '../../container/text.ts';
import type { Narrowed } from '../../container/verify.ts';
import { type Capture, readCapture } from './capture.ts';
import type { Engine, Found, Parsed } from './engine.ts';
import { isHidden, type Language, languageOf } from './languages.ts';

/** This build of ast-grep may not give what the command line gives: no answer is better than that one. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

interface Step {
  readonly input: CaptureInput;
  readonly capture: Capture;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** ast-grep refused a capture: so it would for every case. */
  readonly refused: Ending | undefined;
}

/** @throws Unsupported */
export async function planNarrow(engine: Engine, rule: RuleInput): Promise<Plan> {
  const inputs = [...rule.captures].sort((a, b) => order(a.file, b.file));
  const steps = inputs.map((input): Step => {
    const read = readCapture(rule.files[input.file] ?? '');
    if ('unsupported' in read) throw new Unsupported(`${input.file}: ${read.unsupported}`);
    return { input, capture: read.capture };
  });
  for (const { input, capture } of steps) {
    await engine.prepare(capture.language);
    const empty = engine.parse(capture.language, '');
    try {
      empty.findAll(capture.config, []);
    } catch (error) {
      rethrowTrap(error);
      const message = `Cannot parse rule ${input.file}\n${messageOf(error)}`;
      return { steps, refused: ending('exited', 'NarrowFailed', message) };
    } finally {
      empty.free();
    }
  }
  return { steps, refused: undefined };
}

/** @throws Unsupported */
export function narrowCase(engine: Engine, plan: Plan, files: CaseInput['files']): Narrowed {
  if (plan.refused !== undefined) return { matches: [], ending: plan.refused };
  const anchors: Match[] = [];
  const broad = new Map<string, Match[]>();
  const budget = { bytes: MAX_SCAN_BYTES, matches: MAX_MATCHES };
  for (const path of Object.keys(files).sort(order)) {
    const source = (files[path] ?? '').toWellFormed();
    const language = isHidden(path) ? undefined : languageOf(path);
    const steps = plan.steps.filter(
      ({ capture }) => capture.language === language && capture.appliesTo(path),
    );
    if (language === undefined || steps.length === 0 || source === '') continue;
    const parsed = parse(engine, language, source, path);
    try {
      for (const step of steps) {
        const found = parsed.findAll(step.capture.config, step.capture.variables);
        const matches = matchesOf(step, path, source, found);
        if (step.input.match === 'anchor') for (const match of matches) anchors.push(match);
        else broad.set(step.input.id, [...(broad.get(step.input.id) ?? []), ...matches]);
        const over = spend(budget, matches);
        if (over !== undefined) return { matches: [], ending: over };
      }
    } catch (error) {
      rethrowTrap(error);
      throw error;
    } finally {
      parsed.free();
    }
  }
  const broads = plan.steps.flatMap(({ input }) => broad.get(input.id) ?? []);
  return { matches: [...anchors, ...broads] };
}

function parse(engine: Engine, language: Language, source: string, path: string): Parsed {
  const parsed = engine.parse(language, source);
  if (!parsed.hasErrors) return parsed;
  parsed.free();
  // Which tree a broken source gets depends on how its text is encoded, and that differs here.
  throw new Unsupported(`${path} of a case has a syntax error`);
}

function matchesOf({ input, capture }: Step, file: string, source: string, found: readonly Found[]): Match[] {
  const named = { rule: input.name, ruleId: capture.id, file };
  if (input.match === 'broad') {
    return found.length === 0 ? [] : [{ ...named, line: 1, column: 1, text: '', captures: {} }];
  }
  return found.map(({ line, column, index, text, captures }) => {
    // ast-grep counts characters, where tree-sitter counts units here.
    const before = [...source.slice(index - column, index)].length;
    return { ...named, line: line + 1, column: before + 1, text, captures };
  });
}

/** What a scan's output would be too large for is too large here. */
function spend(left: { bytes: number; matches: number }, matches: readonly Match[]): Ending | undefined {
  left.matches -= matches.length;
  for (const { text, captures } of matches) {
    left.bytes -= text.length * 2;
    for (const captured of Object.values(captures)) left.bytes -= captured.length;
  }
  if (left.matches < 0) return TOO_MANY_MATCHES;
  return left.bytes < 0 ? STOPPED.output : undefined;
}

/** After a trap the state of the module is not to be trusted; whoever runs this throws it away. */
function rethrowTrap(error: unknown): void {
  if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
    throw new Unsupported(`ast-grep broke down: ${messageOf(error)}`);
  }
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
