/** Bodies that are broken in one place: a value, a key, the text of the JSON, or its bytes. */
import type { Picker } from './picker.ts';
import { NO_JSON, oddJson, oddText } from './text.ts';

export interface Mutant {
  readonly what: string;
  readonly bytes: Uint8Array;
  /** Whatever it is a mutant of, it may not be taken. Otherwise whether it fits is for its schema to say. */
  readonly wrong: boolean;
}

type Path = readonly (string | number)[];

/** Stands in a value for text that only exists in JSON; no other text holds it. */
const MARK = '\u0001here\u0001';
const encode = (text: string) => new TextEncoder().encode(text);

/** @param maxBytes what the route takes; a few bodies are larger */
export function brokenBody(example: unknown, maxBytes: number, picker: Picker): Mutant {
  const { pick, once } = picker;
  if (once(150)) return tooLarge(maxBytes, picker);
  const make = pick([
    otherValue,
    otherValue,
    otherValue,
    withoutKey,
    addedKey,
    twiceKey,
    asText,
    asText,
    asBytes,
    asBytes,
  ]);
  return make(example, picker);
}

export function formText(example: unknown): string {
  return new URLSearchParams(example as Record<string, string>).toString();
}

/** The same of a form: its fields are texts. */
export function brokenForm(example: unknown, maxBytes: number, picker: Picker): Mutant {
  const { pick, once } = picker;
  if (once(150)) return tooLarge(maxBytes, picker);
  const fields = new URLSearchParams(example as Record<string, string>);
  const name = pick([...fields.keys(), '__proto__', oddText(picker)].map((one) => one.toWellFormed()));
  const what = pick(['set', 'append', 'delete'] as const);
  if (what === 'delete') fields.delete(name);
  else fields[what](name, oddText(picker).toWellFormed());
  const text = `${fields}${pick(['', '', '', '&', '=', '%', '%ff', '&%00=1', '\u0000'])}`;
  return { what: `${what} ${name.slice(0, 20)}`, bytes: encode(text), wrong: false };
}

function otherValue(example: unknown, picker: Picker): Mutant {
  const path = picker.pick(pathsOf(example));
  const noJson = picker.once(6);
  const raw = noJson ? picker.pick(NO_JSON) : oddJson(picker);
  const text = JSON.stringify(changed(example, path, () => MARK)).replace(JSON.stringify(MARK), () => raw);
  return { what: `${raw.slice(0, 20)} at ${path.join('.')}`, bytes: encode(text), wrong: noJson };
}

function withoutKey(example: unknown, picker: Picker): Mutant {
  const path = picker.pick(pathsOf(example));
  const text = JSON.stringify(changed(example, path, () => undefined)) ?? '';
  return { what: `nothing at ${path.join('.')}`, bytes: encode(text), wrong: false };
}

/** Whether a key may be added depends on where: file names are free. At the top it never may. */
function addedKey(example: unknown, picker: Picker): Mutant {
  const key = picker.pick([
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'orgId',
    'org_id',
    'id',
    '',
    oddText(picker),
  ]);
  const top = picker.once(2);
  const path = top ? [] : picker.pick(pathsOf(example));
  const add = (value: unknown) =>
    isObject(value) && !Object.hasOwn(value, key) ? { ...value, [MARK]: 1 } : value;
  const text = JSON.stringify(changed(example, path, add)).replace(JSON.stringify(MARK), () =>
    JSON.stringify(key),
  );
  const wrong = top && isObject(example) && !Object.hasOwn(example, key);
  return { what: `key ${key.slice(0, 20)} at ${path.join('.')}`, bytes: encode(text), wrong };
}

function twiceKey(example: unknown, picker: Picker): Mutant {
  const objects = pathsOf(example).filter(
    (path) => Object.keys(at(example, path) ?? {}).length > 0 && isObject(at(example, path)),
  );
  if (objects.length === 0) return otherValue(example, picker);
  const path = picker.pick(objects);
  const object = at(example, path) as Record<string, unknown>;
  const key = picker.pick(Object.keys(object));
  const value = picker.once(2) ? object[key] : picker.pick([null, 1, 'other', {}]);
  const first = picker.once(2);
  const add = () => (first ? { [MARK]: value, ...object } : { ...object, [MARK]: value });
  // The same key need not be the same text.
  const written = picker.once(2) ? JSON.stringify(key) : `"${[...key].map((one) => escaped(one)).join('')}"`;
  const text = JSON.stringify(changed(example, path, add)).replace(JSON.stringify(MARK), () => written);
  return { what: `twice ${key} at ${path.join('.')}`, bytes: encode(text), wrong: true };
}

function asText(example: unknown, picker: Picker): Mutant {
  const { pick, int } = picker;
  const text = JSON.stringify(example);
  const [what, broken] = pick<readonly [string, string]>([
    ['cut off', text.slice(0, int(text.length))],
    ['trailing text', text + pick(['x', ',', '}', ']', '\u0000', '{}', text, '\u2028', ';'])],
    ['leading text', pick([")]}',\n", '\u0000', '\ufeff', '//x\n', 'data: ', '\u00a0']) + text],
    ['no JSON', pick(NO_JSON)],
    ['single quotes', text.replaceAll('"', "'")],
    ['one of a list', `[${text}]`],
    ['a text of it', JSON.stringify(text)],
    ['a form', 'prompt=x&cases=y'],
    ['nothing', ''],
    ['white space', ' \n'.repeat(int(2_000))],
    ['a value', oddJson(picker)],
  ]);
  const perhaps = what === 'a value' || what === 'nothing' || broken === text;
  return { what, bytes: encode(broken), wrong: !perhaps };
}

function asBytes(example: unknown, { pick, int }: Picker): Mutant {
  const text = JSON.stringify(example);
  const bytes = encode(text);
  const [what, broken] = pick<readonly [string, () => Uint8Array]>([
    ['UTF-16', () => utf16(text, true)],
    ['UTF-16, big end first', () => utf16(`\ufeff${text}`, false)],
    ['UTF-8 with a mark', () => joined([0xef, 0xbb, 0xbf], bytes)],
    [
      'a byte that is no UTF-8',
      () =>
        spliced(
          bytes,
          1 + int(bytes.length - 1),
          pick([[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]),
        ),
    ],
    [
      'gzip',
      () =>
        Uint8Array.of(
          0x1f,
          0x8b,
          8,
          0,
          0,
          0,
          0,
          0,
          0,
          3,
          0xab,
          0xae,
          5,
          0,
          0x43,
          0xbf,
          0xa6,
          0xa3,
          2,
          0,
          0,
          0,
        ),
    ],
    ['noise', () => Uint8Array.from({ length: 1 + int(3_000) }, () => 128 + int(128))],
    ['zeros', () => new Uint8Array(1 + int(3_000))],
  ]);
  return { what, bytes: broken(), wrong: true };
}

function tooLarge(maxBytes: number, { pick }: Picker): Mutant {
  const [open, fill, close] = pick([
    ['{"prompt":"', 'x', '"}'],
    ['[', '[', ''],
    ['', ' ', '{}'],
    ['{"', '\\u0000', '":1}'],
  ] as const);
  const text = open + fill.repeat(Math.ceil((maxBytes + 1) / fill.length)) + close;
  return { what: `larger than ${maxBytes} bytes`, bytes: encode(text), wrong: true };
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((n) => `\\u${character.charCodeAt(n).toString(16).padStart(4, '0')}`)
    .join('');
}

function utf16(text: string, little: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(text.length * 2));
  for (let n = 0; n < text.length; n += 1) view.setUint16(n * 2, text.charCodeAt(n), little);
  return new Uint8Array(view.buffer);
}

function joined(a: ArrayLike<number>, b: ArrayLike<number>): Uint8Array {
  const all = new Uint8Array(a.length + b.length);
  all.set(a, 0);
  all.set(b, a.length);
  return all;
}

function spliced(bytes: Uint8Array, where: number, added: readonly number[]): Uint8Array {
  return joined(joined(bytes.subarray(0, where), added), bytes.subarray(where));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Every place of a value, the whole of it first. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const keys = inner.map(([key, one]) => [Array.isArray(value) ? Number(key) : key, one] as const);
  return [path, ...keys.flatMap(([key, one]) => pathsOf(one, [...path, key]))];
}

function at(value: unknown, path: Path): unknown {
  return path.reduce((inner, key) => (inner as Record<string | number, unknown>)[key], value);
}

/** A copy with another value in one place; `undefined` takes the key out. */
function changed(value: unknown, path: Path, change: (value: unknown) => unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return change(value);
  if (Array.isArray(value)) return value.map((one, n) => (n === key ? changed(one, rest, change) : one));
  return { ...(value as object), [key]: changed(at(value, [key]), rest, change) };
}
