/** What is refused of a JSON text before it is parsed, and that everything else is left to the parser. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonProblem } from '../../../src/api/strict-json.ts';

describe('is refused', () => {
  test.each([
    ['a key twice', '{"a":1,"b":{"a":2},"a":3}', 'a', 'is given twice'],
    ['a key twice, escaped once', '{"ab":1,"\\u0061b":2}', 'ab', 'is given twice'],
    ['a key twice in an object of a list', '[{"a":1},{"b":{},"a":1,"a":1}]', '1.a', 'is given twice'],
    ['a key twice after an object', '{"a":{"b":1},"b":2,"a":[]}', 'a', 'is given twice'],
    ['"__proto__" twice', '{"__proto__":1,"__proto__":2}', '__proto__', 'is given twice'],
    ['half of a surrogate pair', '{"a":["x",[],"\\ud800"]}', 'a.2', 'is not valid Unicode'],
    ['half of a surrogate pair in a key', '{"\\udc00x":1}', '\udc00x', 'is not valid Unicode'],
    [
      'too many keys',
      `{${Array.from({ length: 10_001 }, (_, n) => `"${n}":0`).join()}}`,
      '10000',
      'is one of more than 10000 keys',
    ],
    ['too many values', `[${'0,'.repeat(1_000_001)}0]`, '', 'has more than 1000000 values'],
    ['too deep', '['.repeat(101), `${'0.'.repeat(99)}0`, 'is nested deeper than 100'],
  ])('%s', (_name, text, path, message) => {
    expect(jsonProblem(text)).toEqual({ path, message });
  });
});

describe('is left to the parser', () => {
  test.each([
    ['the same key in two objects', '{"a":{"a":1},"b":[{"a":1},{"a":1}]}'],
    ['a text that looks like keys', '{"a":"{\\"a\\":1,\\"a\\":2}","b":"\\\\"}'],
    ['a text twice in a list', '["a","a"]'],
    ['a whole surrogate pair', '["\\ud83d\\udca5","💥"]'],
    ['what is no JSON', '{"a"'],
    ['an escape that is none', '{"\\x":1,"\\x":1}'],
    ['nothing', ''],
    ['as deep as is allowed', '['.repeat(100)],
  ])('%s', (_name, text) => {
    expect(jsonProblem(text)).toBeNull();
  });

  test('whatever JSON.stringify writes of well-formed values', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary', maxDepth: 6 }), fc.nat(3), (value, indent) => {
        expect(jsonProblem(JSON.stringify(value, null, indent))).toBeNull();
      }),
    );
  });

  test('any text at all ends', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', 'u', 'a') }),
        (text) => {
          jsonProblem(text);
        },
      ),
    );
  });
});
