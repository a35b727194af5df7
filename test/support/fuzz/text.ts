/** Strings that programs trip over, and JSON texts that stand where a value should. */
import type { Picker } from './picker.ts';

export const ODD_TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'x\udfff\ud800',
  '\u202egnp.exe',
  'a\u200bb\u2060\ufeff',
  `e${'\u0301'.repeat(500)}`,
  '\u{1f469}\u200d\u{1f4bb}'.repeat(40),
  '\uffff\ufffe',
  'ﬀİıſK',
  '\r\nset-cookie: a=b',
  '../../../etc/passwd',
  '..\\..\\x',
  '/etc/passwd',
  'file:///etc/passwd',
  'http://127.0.0.1/',
  'http://[::1]:22/',
  'http://169.254.169.254/latest/meta-data/',
  "' OR 1=1 --",
  '"; DROP TABLE generations; --',
  '%',
  '%00%0a%ff',
  '%_%',
  '{{7*7}}<%= 7*7 %>#{7*7}',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  '-0',
  '1e309',
  '0x10',
  '9007199254740993',
  '٣',
  '2026-02-30T00:00:00Z',
  '0000-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59-23:59',
  '+275760-09-13T00:00:00.001Z',
];

/** JSON that is not of the type that was there; `1e400` and the like only exist as text. */
const ODD_JSON: readonly string[] = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e400',
  '-1e400',
  '1e-400',
  '9007199254740993',
  `1${'0'.repeat(400)}`,
  '[]',
  '{}',
  '[[]]',
  '[null]',
  '{"":""}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"valueOf":1,"length":-1}',
  '{"$ref":"#"}',
  '{"then":"x"}',
];

/** Not JSON at all, however lenient a reader is. */
export const NO_JSON: readonly string[] = [
  'NaN',
  'Infinity',
  'undefined',
  '01',
  '+1',
  '.5',
  '1.',
  '0x10',
  "'x'",
  '"\n"',
  '"\\x41"',
  '"\\u12"',
  '"\\ud800',
  '[1,]',
  '{"a":1,}',
  '{a:1}',
  '/**/1',
  '1//x',
  'True',
  '<a/>',
];

export function oddText({ pick, int, once }: Picker): string {
  if (once(12)) return pick(['x', '\u0000', 'é', '💥', '../', '%']).repeat(1 + int(40_000));
  return pick(ODD_TEXTS);
}

/** A JSON value as text. */
export function oddJson(picker: Picker): string {
  const { pick, int, once } = picker;
  if (once(3)) return JSON.stringify(oddText(picker));
  if (once(12)) {
    const depth = 1 + int(once(4) ? 100_000 : 2_000);
    return once(2) ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  }
  // More keys than a stack has room for arguments.
  if (once(60)) return `{${Array.from({ length: int(200_000) }, (_, n) => `"${n}":0`).join(',')}}`;
  if (once(20)) return `[${'0,'.repeat(int(50_000))}0]`;
  return pick(ODD_JSON);
}
