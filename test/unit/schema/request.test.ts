import { describe, expect, test } from 'vitest';
import { requestSchema } from '../../../src/schema/request.ts';
import { request } from '../../support/rule.ts';

function problems(
  change: (draft: Record<string, unknown> & { cases: Record<string, unknown>[] }) => void,
): string[] {
  const draft = structuredClone(request) as never;
  change(draft);
  const parsed = requestSchema.safeParse(draft);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.message);
}

test('a plain request is accepted', () => {
  expect(problems(() => undefined)).toEqual([]);
});

describe('paths that could escape or mean different things are refused', () => {
  test.each([
    ['../a.ts', 'contains ".."'],
    ['a/../../b', 'contains ".."'],
    ['/etc/passwd', 'is absolute'],
    ['a\\b', 'contains a backslash'],
    ['a//b', 'contains an empty segment'],
    ['./a', 'contains "."'],
    ['', 'is empty'],
    ['a\u0000b', 'contains a control character'],
    ['a/', 'contains an empty segment'],
    [`${'d/'.repeat(20)}f`, 'is deeper than'],
    ['x'.repeat(300), 'is longer than 255 bytes'],
    ['\ud800', 'is not valid Unicode'],
    ['a\u0085b', 'contains a control character'],
    ['a\u2028b', 'contains a control character'],
    ['a/__proto__', 'contains "__proto__"'],
  ])('%j', (path, reason) => {
    const found = problems((draft) => {
      draft.cases[1] = { ...draft.cases[1], files: { [path]: 'eval(s)' } };
    });
    expect(found.join('\n')).toContain(reason);
  });
});

test.each<[string, Parameters<typeof problems>[0], string]>([
  ['an empty prompt', (draft) => Object.assign(draft, { prompt: '  ' }), 'Too small'],
  ['an unknown field', (draft) => Object.assign(draft, { promt: 'x' }), 'Unrecognized key'],
  [
    'only valid cases',
    (draft) => draft.cases.splice(1, 1, { name: 'x', kind: 'valid', files: { 'b.ts': '' } }),
    'no invalid case',
  ],
  [
    'two cases of one name',
    (draft) => Object.assign(draft.cases[1] ?? {}, { name: 'parses JSON' }),
    'same name as case 0',
  ],
  [
    'the same files under both labels',
    (draft) => Object.assign(draft.cases[1] ?? {}, { files: { 'a.ts': 'JSON.parse(s);\n' } }),
    'no rule can tell them apart',
  ],
  [
    'a duplicate case',
    (draft) => draft.cases.push({ ...draft.cases[1], name: 'again' }),
    'duplicates case 1',
  ],
  [
    'a file that is also a folder',
    (draft) => Object.assign(draft.cases[1] ?? {}, { files: { a: '1', 'a/b': '2' } }),
    'both a file and a folder',
  ],
  [
    'a case without files',
    (draft) => Object.assign(draft.cases[1] ?? {}, { files: {} }),
    'at least one file',
  ],
  [
    'findings on a valid case',
    (draft) => Object.assign(draft.cases[0] ?? {}, { findings: [{ file: 'a.ts' }] }),
    'cannot expect findings',
  ],
  [
    'findings in a file that is not there',
    (draft) => Object.assign(draft.cases[1] ?? {}, { findings: [{ file: 'z.ts' }] }),
    'does not contain',
  ],
  ['a host that is no host', (draft) => Object.assign(draft, { egress: ['*.example.com'] }), 'no wildcard'],
  [
    'hosts for an engine without a check',
    (draft) => Object.assign(draft, { engine: 'sg', egress: ['api.example.com'] }),
    'no check to ask hosts',
  ],
  ['no host in a list of hosts', (draft) => Object.assign(draft, { egress: [] }), 'Too small'],
  ['too many attempts', (draft) => Object.assign(draft, { limits: { attempts: 11 } }), 'Too big'],
  ['a name that is no slug', (draft) => Object.assign(draft, { name: 'No Eval' }), 'lower-case'],
  [
    'control characters in a case name',
    (draft) => Object.assign(draft.cases[0] ?? {}, { name: 'a\u001b[31m' }),
    'printable',
  ],
  [
    'a lone surrogate in a file',
    (draft) => Object.assign(draft.cases[0] ?? {}, { files: { 'a.ts': '\ud800' } }),
    'not valid Unicode',
  ],
])('%s is refused with the reason', (_name, change, reason) => {
  expect(problems(change).join('\n')).toContain(reason);
});

test('a file named __proto__ is refused, not dropped', () => {
  const hostile = JSON.parse(
    '{"prompt":"x","cases":[{"name":"a","kind":"valid","files":{"b.ts":"","__proto__":"x"}}]}',
  );
  const parsed = requestSchema.safeParse(hostile);
  expect(parsed.success ? '' : parsed.error.issues.map((issue) => issue.message).join()).toContain(
    '__proto__',
  );
});
