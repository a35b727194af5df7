/**
 * Reads one line of ast-grep's `--json=stream` at a third of the cost of parsing all of it: most of a line says
 * again what its first part said. The parts that are needed are cut out where ast-grep writes them, between
 * marks that cannot stand inside a JSON string, and parsed by themselves. A line that looks in any way
 * different is parsed whole.
 */
import { readMatch } from '../narrow.ts';
import type { Match } from '../protocol.ts';

const TEXT = '{"text":';
const RANGE = ',"range":{"byteOffset":{';
const START = '},"start":{"line":';
const COLUMN = ',"column":';
const FILE = '}},"file":';
const LINES = ',"lines":';
const META = ',"metaVariables":{"single":{';
const RULE = ',"ruleId":';
const AFTER_RULE = ',"severity":';
const VARIABLE_TEXT = ':{"text":';
const END_OF_VARIABLE = '}}}';

/** @param names capture names by id */
export function readMatchLine(line: string, names: ReadonlyMap<string, string>): Match | undefined {
  try {
    return cutOut(line, names) ?? readMatch(line, names);
  } catch {
    return readMatch(line, names);
  }
}

/** Undefined where the line is not laid out as expected. @throws SyntaxError for the same reason */
function cutOut(line: string, names: ReadonlyMap<string, string>): Match | undefined {
  if (!line.startsWith(TEXT) || !line.endsWith('}')) return undefined;
  const range = line.indexOf(RANGE, TEXT.length);
  const start = line.indexOf(START, range);
  const file = line.indexOf(FILE, start);
  const lines = line.indexOf(LINES, file);
  const meta = line.indexOf(META, lines);
  const rule = line.indexOf(RULE, lines);
  const afterRule = line.indexOf(AFTER_RULE, rule);
  if (range < 0 || start < 0 || file < 0 || lines < 0 || rule < 0 || afterRule < 0) return undefined;
  const column = line.indexOf(COLUMN, start);
  // A pattern without variables has no such part.
  const captures = meta < 0 ? {} : readCaptures(line, meta + META.length);
  if (captures === undefined) return undefined;
  const path: string = JSON.parse(line.slice(file + FILE.length, lines));
  const ruleId: string = JSON.parse(line.slice(rule + RULE.length, afterRule));
  return {
    rule: names.get(ruleId) ?? ruleId,
    ruleId,
    file: path.startsWith('./') ? path.slice(2) : path,
    line: Number.parseInt(line.slice(start + START.length, column), 10) + 1,
    column: Number.parseInt(line.slice(column + COLUMN.length, column + COLUMN.length + 12), 10) + 1,
    text: JSON.parse(line.slice(TEXT.length, range)),
    captures,
  };
}

/** @param from where the first variable's name begins, or the brace that closes an empty list */
function readCaptures(line: string, from: number): Record<string, string> | undefined {
  const captures: Record<string, string> = {};
  let at = from;
  while (line[at] === '"') {
    const nameEnd = line.indexOf('"', at + 1);
    if (!line.startsWith(VARIABLE_TEXT, nameEnd + 1)) return undefined;
    const text = nameEnd + 1 + VARIABLE_TEXT.length;
    const range = line.indexOf(RANGE, text);
    const end = line.indexOf(END_OF_VARIABLE, range);
    if (range < 0 || end < 0) return undefined;
    captures[line.slice(at + 1, nameEnd)] = JSON.parse(line.slice(text, range));
    at = end + END_OF_VARIABLE.length;
    if (line[at] === ',') at += 1;
    else if (line[at] !== '}') return undefined;
  }
  return line[at] === '}' ? captures : undefined;
}
