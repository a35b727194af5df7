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

/** Why the text is refused, or `null`. Of a text that is no JSON, either. */
export function jsonProblem(text: string): string | null {
  // Keys of each open object; `null` for an array.
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') {
      if (open.push(character === '{' ? new Set() : null) > MAX_DEPTH)
        return `it is nested deeper than ${MAX_DEPTH}`;
      keyNext = character === '{';
      values += 1;
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === ',') {
      keyNext = open.at(-1) instanceof Set;
      values += 1;
    } else if (character === '"') {
      const end = endOfString(text, at);
      const problem = stringProblem(text.slice(at, end + 1), keyNext ? (open.at(-1) ?? null) : null);
      if (problem !== null) return problem;
      keyNext = false;
      at = end;
    }
    if (values > MAX_VALUES) return `it has more than ${MAX_VALUES} values`;
  }
  return null;
}

/** @param keys when it is a key: those that the object has already */
function stringProblem(written: string, keys: Set<string> | null): string | null {
  if (keys === null && !written.includes('\\u')) return null;
  const value = unescaped(written);
  if (value === null) return null;
  if (!value.isWellFormed()) return 'a text is not valid Unicode';
  if (keys === null) return null;
  if (keys.has(value)) return `the key ${JSON.stringify(value.slice(0, SHOWN_CHARS))} is given twice`;
  keys.add(value);
  return keys.size > MAX_KEYS ? `an object has more than ${MAX_KEYS} keys` : null;
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
