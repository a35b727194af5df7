import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readMatch } from '../../../../container/narrow.ts';
import type { Match } from '../../../../container/protocol.ts';
import { repositoryPathProblem } from '../../../../container/repository/check.ts';
import { Lines } from '../../../../container/repository/lines.ts';
import { readMatchLine } from '../../../../container/repository/match-line.ts';
import { SkippedFiles } from '../../../../container/repository/not-scanned.ts';
import { planScans } from '../../../../container/repository/plan.ts';
import { FileNames, Spool } from '../../../../container/repository/spool.ts';

const scratch = mkdtempSync(join(tmpdir(), 'assay-spool-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const match = (over: Partial<Match>): Match => ({
  ...{ rule: 'n', ruleId: 'id', file: 'a.ts', line: 1, column: 1, text: 't', captures: {} },
  ...over,
});

async function textOf(spool: Spool): Promise<Match[]> {
  const parts: Uint8Array[] = [];
  for await (const part of spool.read()) parts.push(Buffer.from(part));
  return JSON.parse(`[${Buffer.concat(parts).toString()}]`) as Match[];
}

describe('a spool', () => {
  it('gives files by path, captures by name, broad ones last, and each in the order it came', async () => {
    const spool = new Spool(join(scratch, 'order'), new FileNames());
    spool.add(match({ file: 'b.ts', line: 1 }), 0, false);
    spool.add(match({ file: 'a.ts', line: 1, ruleId: 'broad' }), 1, true);
    spool.add(match({ file: 'b.ts', line: 9, ruleId: 'late' }), 2, false);
    spool.add(match({ file: 'a.ts', line: 5 }), 0, false);
    spool.add(match({ file: 'a.ts', line: 3 }), 0, false);
    const read = async () =>
      (await textOf(spool)).map(({ file, line, ruleId }) => `${file} ${line} ${ruleId}`);
    const order = ['a.ts 5 id', 'a.ts 3 id', 'b.ts 1 id', 'b.ts 9 late', 'a.ts 1 broad'];
    expect(await read()).toEqual(order);
    expect(await read()).toEqual(order);
    spool.close();
  });

  it('holds what is larger than its buffers, and text of any kind', async () => {
    const spool = new Spool(join(scratch, 'large'), new FileNames());
    const texts = ['x'.repeat(600_000), 'é\u0000"\\\ud800', '', '𝒳'.repeat(20_000)];
    for (let turn = 0; turn < 40; turn += 1)
      spool.add(match({ text: texts[turn % 4], line: turn }), 0, false);
    const read = await textOf(spool);
    expect(read.map(({ line }) => line)).toEqual(Array.from({ length: 40 }, (_, turn) => turn));
    expect(read.every(({ text }, turn) => text === texts[turn % 4])).toBe(true);
    expect(spool.bytes).toBe(readFileSync(join(scratch, 'large')).length);
    spool.close();
  });

  it('without matches gives none', async () => {
    expect(await textOf(new Spool(join(scratch, 'none'), new FileNames()))).toEqual([]);
  });
});

describe('a line of ast-grep', () => {
  const range =
    '"range":{"byteOffset":{"start":0,"end":7},"start":{"line":4,"column":2},"end":{"line":4,"column":9}}';
  const tail = '"severity":"hint","note":null,"message":"","labels":[]}';
  const variable = (name: string, text: string) => `"${name}":{"text":${JSON.stringify(text)},${range}}`;
  const line = (text: string, file: string, meta: string) =>
    `{"text":${JSON.stringify(text)},${range},"file":${JSON.stringify(file)},"lines":${JSON.stringify(text)},"charCount":{"leading":0,"trailing":0},"language":"TypeScript",${meta}"ruleId":"id",${tail}`;
  const meta = (...single: string[]) =>
    `"metaVariables":{"single":{${single.join(',')}},"multi":{"ARGS":[]},"transformed":{}},`;

  it.each([
    ['plain', line('eval(x)', 'src/a.ts', meta(variable('A', 'x')))],
    ['without variables', line('eval(x)', './a.ts', '')],
    ['with an empty list of them', line('eval(x)', 'a.ts', meta())],
    [
      'with marks in its text',
      line(
        `",${range},"file":"b","ruleId":"x",}}}`,
        'a","lines":"b',
        meta(variable('A', `}}},"B":{"text":"y",${range}`), variable('B_1', '')),
      ),
    ],
    ['of another form', '{"file":"a.ts","text":"t","range":{"start":{"line":0,"column":0}},"ruleId":"id"}'],
    ['that is none', '{"text":"a"}'],
    ['cut short', line('eval(x)', 'a.ts', meta(variable('A', 'x'))).slice(0, -40)],
    ['that is no JSON', 'warning: something'],
  ])('%s is read as it is when parsed whole', (_what, text) => {
    const names = new Map([['id', 'call']]);
    expect(readMatchLine(text, names)).toEqual(readMatch(text, names));
  });
});

it('lines are put together from chunks of any size, up to a length', () => {
  const bytes = Buffer.from('one\n\ntwo é\nlast');
  for (let size = 1; size <= bytes.length; size += 1) {
    const seen: string[] = [];
    const lines = new Lines(10, (line) => void seen.push(line.toString()));
    for (let at = 0; at < bytes.length; at += size)
      expect(lines.add(Buffer.from(bytes.subarray(at, at + size)))).toBe(true);
    expect(seen).toEqual(['one', '', 'two é']);
  }
  expect(new Lines(10, () => {}).add(Buffer.from('x'.repeat(11)))).toBe(false);
});

it('rules are scanned together unless their ids collide', () => {
  const rule = (id: string, text: string) => ({
    captures: [
      { file: 'captures/a.yml', id, name: 'n', match: 'anchor' as const, language: 'ts', scoped: false },
    ],
    files: { 'captures/a.yml': text },
  });
  const rules = [rule('a', '1'), rule('b', '1'), rule('a', '2'), rule('a', '1'), rule('c', '1')];
  const scans = planScans(rules);
  expect(scans.map((scan) => scan.rules.map((one) => rules.indexOf(one)))).toEqual([[0, 1, 3, 4], [2]]);
  expect(scans[0]?.captures.get('a')?.targets).toHaveLength(2);
});

it('what ast-grep says of files is told apart from what it says of itself', () => {
  const skipped = new SkippedFiles();
  const said = [
    'sg: entity|file|a.ts: language=TypeScript,appliedRuleCount=1',
    'sg: entity|file|b: c.ts: skipped=permissionDenied',
    'sg: entity|file|empty.ts: skipped=emptyFile',
    'sg: entity|file|d.ts: skipped=invalidUtf8',
    'sg: entity|file|d.ts: skipped=invalidUtf8',
    'sg: entity|file|e.ts: skipped=somethingNew',
    'ERROR: ./secret: Permission denied (os error 13)',
    'sg: summary|file: scannedFileCount=12,skippedFileCount=4',
  ];
  expect(said.map((line) => skipped.add(line))).toEqual(said.map(() => true));
  expect(skipped.add('Error: Cannot parse rule')).toBe(false);
  expect(skipped.scanned).toBe(12);
  expect(skipped.list()).toEqual([
    { reason: 'unreadable', count: 3, files: ['b: c.ts', 'e.ts', 'secret'] },
    { reason: 'not_utf8', count: 1, files: ['d.ts'] },
  ]);
});

it.each([
  ['a.ts', undefined],
  ['new\nline \\ ü.ts', undefined],
  [`${'a/'.repeat(100)}b`, undefined],
  ['', 'is empty'],
  ['/a', 'is absolute'],
  ['a/../b', 'has a "." or ".." segment'],
  ['./a', 'has a "." or ".." segment'],
  ['a//b', 'has an empty segment'],
  ['a\0', 'has a null character'],
  ['\ud800', 'is not well-formed Unicode'],
  ['x'.repeat(4_097), 'is longer than 4096 bytes'],
])('a finding in %j: %s', (path, problem) => {
  expect(repositoryPathProblem(path)).toBe(problem);
});
