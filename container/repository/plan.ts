/**
 * Which rules' captures go into one scan. ast-grep refuses two rules of one id, so rules whose captures
 * share an id but not a text are scanned one after the other; those that share both are scanned once. The
 * text of a capture is never rewritten: it is what was signed.
 */
import type { CaptureInput, MatchReport } from '../protocol.ts';

/** A rule, as far as finding its matches goes. */
export interface Narrowable {
  readonly captures: readonly CaptureInput[];
  /** Exact text by rule-relative path. */
  readonly files: Readonly<Record<string, string>>;
  /** Set when the rule has no check: every match is a finding. */
  readonly report?: MatchReport;
}

/** Who is told of a capture's matches. */
export interface Target<Rule> {
  readonly rule: Rule;
  /** Place of the capture among the rule's, by file name. */
  readonly capture: number;
  /** True for a rule that needs no more of a match than its place. */
  readonly placeOnly: boolean;
}

export interface ScanCapture<Rule> {
  readonly id: string;
  readonly name: string;
  readonly broad: boolean;
  readonly text: string;
  readonly targets: readonly Target<Rule>[];
}

export interface Scan<Rule> {
  readonly rules: readonly Rule[];
  /** By id. */
  readonly captures: ReadonlyMap<string, ScanCapture<Rule>>;
}

/** As few scans as a first fit finds: one, unless ids collide. */
export function planScans<Rule extends Narrowable>(rules: readonly Rule[]): Scan<Rule>[] {
  const groups: { rules: Rule[]; texts: Map<string, string> }[] = [];
  for (const rule of rules) {
    const own = rule.captures.map(({ id, file }) => [id, rule.files[file] ?? ''] as const);
    let group = groups.find(({ texts }) => own.every(([id, text]) => (texts.get(id) ?? text) === text));
    if (group === undefined) {
      group = { rules: [], texts: new Map() };
      groups.push(group);
    }
    group.rules.push(rule);
    for (const [id, text] of own) group.texts.set(id, text);
  }
  return groups.map((group) => scanOf(group.rules));
}

/** @param rules whose captures do not collide */
export function scanOf<Rule extends Narrowable>(rules: readonly Rule[]): Scan<Rule> {
  const captures = new Map<string, ScanCapture<Rule> & { targets: Target<Rule>[] }>();
  for (const rule of rules) {
    const sorted = rule.captures.toSorted((a, b) => (a.file < b.file ? -1 : 1));
    for (const [place, { id, name, match, file }] of sorted.entries()) {
      const target = { rule, capture: place, placeOnly: rule.report !== undefined };
      const known = captures.get(id);
      if (known !== undefined) known.targets.push(target);
      else {
        const text = rule.files[file] ?? '';
        captures.set(id, { id, name, broad: match === 'broad', text, targets: [target] });
      }
    }
  }
  return { rules, captures };
}
