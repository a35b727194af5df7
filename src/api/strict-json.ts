/**
 * Looks a JSON text over before it is parsed. Refuses what two readers could read differently: the same key twice
 * in an object, of which `JSON.parse` keeps the last, and halves of surrogate pairs, which no UTF-8 text can hold.
 * Refuses also what would take more memory or work than any request needs. Pure, linear in the length of the
 * text, and no parser: whether it is JSON is for `JSON.parse` to say.
 */

/** The largest objects of a request are the files of a case, of which there are 200 at most. */
const MAX_KEYS = 10_000;
/** More than twice what the largest document has, a chain of 1 000 roots with 128 signatures each. */
const MAX_VALUES = 1_000_000;
const MAX_DEPTH = 100;
const SHOWN_CHARS = 100;

export interface JsonProblem {
  /** Keys and indexes, separated by dots; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** An object or a list that is open. */
interface Open {
  /** Of an object: its keys so far. */
  readonly keys: Set<string> | null;
  /** The key or the index of the value that is being read. */
  at: string | number;
}

/** Why the text is refused, or `null`. Of a text that is no JSON, either. */
export function jsonProblem(text: string): JsonProblem | null {
  const open: Open[] = [];
  let keyNext = false;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') {
      const object = character === '{';
      if (open.length === MAX_DEPTH) return problemAt(open, `is nested deeper than ${MAX_DEPTH}`);
      open.push(object ? { keys: new Set(), at: '' } : { keys: null, at: 0 });
      keyNext = object;
      values += 1;
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === ',') {
      const last = open.at(-1);
      if (typeof last?.at === 'number') last.at += 1;
      keyNext = last?.keys instanceof Set;
      values += 1;
    } else if (character === '"') {
      const end = endOfString(text, at);
      const object = keyNext ? (open.at(-1) ?? null) : null;
      const problem = stringProblem(text.slice(at, end + 1), object);
      if (problem !== null) return problemAt(open, problem);
      keyNext = false;
      at = end;
    }
    if (values > MAX_VALUES) return problemAt([], `has more than ${MAX_VALUES} values`);
  }
  return null;
}

function problemAt(open: readonly Open[], message: string): JsonProblem {
  return { path: open.map(({ at }) => at).join('.'), message };
}

/** @param object when the string is a key: whose */
function stringProblem(written: string, object: Open | null): string | null {
  if (object === null && !written.includes('\\u')) return null;
  const value = unescaped(written);
  if (value === null) return null;
  const keys = object?.keys ?? null;
  if (object !== null) object.at = value.slice(0, SHOWN_CHARS);
  if (!value.isWellFormed()) return 'is not valid Unicode';
  if (keys === null) return null;
  if (keys.has(value)) return 'is given twice';
  keys.add(value);
  return keys.size > MAX_KEYS ? `is one of more than ${MAX_KEYS} keys` : null;
}

function unescaped(written: string): string | null {
  if (!written.includes('\\')) return written.slice(1, -1);
  try {
    return JSON.parse(written) as string;
  } catch {
    return null;
  }
}

/** Where the string that begins at `start` ends: at the first quote that is not escaped, or with the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text[before] === '\\') before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}
