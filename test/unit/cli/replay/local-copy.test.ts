import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readTree } from '../../../../cli/read-tree.ts';
import type { ReplayInputs } from '../../../../cli/replay/inputs.ts';
import { defaultDirectory, openCopy, readCopy } from '../../../../cli/replay/local-copy.ts';
import type { RuleCase } from '../../../../src/schema/request.ts';
import { cases, goodReply } from '../../../support/rule.ts';

const CAPTURE =
  'id: a-1\nlanguage: typescript\nrule:\n  pattern: eval($CODE)\nmetadata:\n  taskless:\n    kind: runtime\n    name: call\n';
const LONG = 'x'.repeat(100);
const awkward: RuleCase[] = [
  { name: `${LONG} two`, kind: 'valid', files: { 'a.ts': '1\n' } },
  { name: `${LONG} one`, kind: 'valid', files: { 'b.ts': '2\n' } },
  { name: 'a!', kind: 'invalid', files: { 'captures/call.yml': '', '.tests/x': '', 'check.ts': '\ufeff' } },
  {
    name: 'a',
    kind: 'invalid',
    files: { 'ä ö/日本.ts': 'eval(s)\r\n' },
    findings: [{ file: 'ä ö/日本.ts', line: 1 }],
  },
  { name: 'a-2', kind: 'invalid', files: { 'x.swp': 's', '.x.swp': 't' } },
  ...cases,
];
const inputsOf = (over: Partial<ReplayInputs> = {}): ReplayInputs => ({
  generation: 'gen-1',
  attempt: 1,
  attemptVerdict: 'rejected',
  rule: {
    name: 'no-eval',
    summary: '',
    engine: 'runtime',
    files: { 'check.ts': goodReply.check, 'captures/call.yml': CAPTURE },
    captures: [],
    capabilities: { imports: [], readsFiles: false, startsProcesses: false, usesNetwork: false, hosts: [] },
    size: { captures: 1, captureLines: 1, checkLines: 1, checkBytes: 1 },
  },
  cases: awkward,
  caseTimeoutMs: 1_000,
  reports: [],
  ...over,
});
const inputs = inputsOf();

let scratch: string;
let copy: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-copy-'));
});
beforeEach(async () => {
  copy = join(await mkdtemp(join(scratch, 'c-')), 'no-eval');
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

test('a copy read back is exactly what was stored, names and order too', async () => {
  expect(await openCopy(copy, inputs, false)).toBe('written');
  const read = await readCopy(copy, inputs);
  expect(read).toMatchObject({ edited: false, cases: awkward });
  expect({ ...read.ruleFiles }).toEqual(inputs.rule.files);
  expect(await openCopy(copy, inputs, false)).toBe('untouched');
});

const edits: [string, (at: string) => Promise<unknown>][] = [
  ['a changed check', (at) => writeFile(join(at, 'check.ts'), 'export default () => [];\n')],
  ['a new capture', (at) => writeFile(join(at, 'captures/new.yml'), CAPTURE)],
  ['a removed case', (at) => rm(join(at, '.tests/valid/parses-json'), { recursive: true })],
  [
    'a case that is not text any more',
    (at) => writeFile(join(at, '.tests/valid/parses-json/a.ts'), Buffer.from([0xff])),
  ],
  ['a link', (at) => symlink('/etc/hostname', join(at, '.tests/valid/parses-json/link'))],
];

describe.each(edits)('an edited copy: %s', (_name, edit) => {
  test('stays as it is, and is written anew only when asked to', async () => {
    await openCopy(copy, inputs, false);
    await edit(copy);
    const before = await listing(copy);
    expect(await openCopy(copy, inputs, false)).toBe('edited');
    await expect(openCopy(copy, inputsOf({ attempt: 2 }), false)).rejects.toMatchObject({
      code: 'COPY_EDITED',
    });
    expect(await listing(copy)).toEqual(before);
    expect(await openCopy(copy, inputs, true)).toBe('written');
    expect(await readCopy(copy, inputs)).toMatchObject({ edited: false });
  });
});

test('an untouched copy of another attempt is written over', async () => {
  await openCopy(copy, inputs, false);
  const other = inputsOf({ attempt: 2, cases });
  expect(await openCopy(copy, other, false)).toBe('written');
  expect(await readCopy(copy, other)).toMatchObject({ edited: false, cases });
});

describe('a directory that is no copy is left alone, with --fresh too', () => {
  test.each<[string, (at: string) => Promise<unknown>]>([
    ['somebody else’s files', (at) => writeFile(join(at, 'check.ts'), 'mine')],
    ['a marker that is none', (at) => writeFile(join(at, '.assay-replay.json'), '{"generation":1}')],
    ['a marker that is no file', (at) => mkdir(join(at, '.assay-replay.json'))],
  ])('%s', async (_name, fill) => {
    await mkdir(copy);
    await fill(copy);
    const before = await readdir(copy);
    for (const fresh of [false, true])
      await expect(openCopy(copy, inputs, fresh)).rejects.toMatchObject({ code: 'NOT_A_COPY' });
    expect(await readdir(copy)).toEqual(before);
  });

  test('a file', async () => {
    await writeFile(copy, 'mine');
    await expect(openCopy(copy, inputs, true)).rejects.toMatchObject({ code: 'NOT_A_COPY' });
    expect(await readFile(copy, 'utf8')).toBe('mine');
  });
});

test('a service cannot write outside the copy', async () => {
  for (const path of ['../out.ts', '/tmp/out.ts', 'captures/../../out.ts', 'a\\b', 'a\0b', '']) {
    const evil = inputsOf({ rule: { ...inputs.rule, files: { ...inputs.rule.files, [path]: 'x' } } });
    await expect(openCopy(join(scratch, 'evil'), evil, true), path).rejects.toMatchObject({
      code: 'BAD_ANSWER',
    });
    await rm(join(scratch, 'evil'), { recursive: true, force: true });
  }
  expect(() => defaultDirectory(inputsOf({ generation: '../../x' }))).toThrow('no file name');
  expect(() => defaultDirectory(inputsOf({ generation: 'a/b' }))).toThrow('no file name');
  expect(defaultDirectory(inputs)).toBe(join('.assay', 'replay', 'gen-1-1', 'no-eval'));
});

test('what an editor leaves beside a file is no part of the copy; a new case is', async () => {
  await openCopy(copy, inputs, false);
  await writeFile(join(copy, '.tests/valid/parses-json/.a.ts.swp'), Buffer.from([0xff]));
  await symlink('nobody@nowhere', join(copy, 'captures/.#call.yml'));
  expect(await readCopy(copy, inputs)).toMatchObject({ edited: false, cases: awkward });
  await mkdir(join(copy, '.tests/valid/new-one'));
  await writeFile(join(copy, '.tests/valid/new-one/a.ts'), '9\n');
  const added = { name: 'new-one', kind: 'valid', files: { 'a.ts': '9\n' } };
  expect(await readCopy(copy, inputs)).toMatchObject({ edited: true, cases: [...awkward, added] });
});

async function listing(at: string): Promise<string[]> {
  const files = await readTree(at).catch(() => null);
  return files === null
    ? readdir(at, { recursive: true })
    : [...files].map(([path, bytes]) => `${path} ${bytes}`);
}
