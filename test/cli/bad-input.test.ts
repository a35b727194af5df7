/** Trees that `assay test` must refuse by name: no crash, no trace, no wait for what never comes. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectForSandbox, readRuleDirectory } from '../../cli/rule-directory.ts';
import { assayIn, CAPTURE, CHECK, writeRule } from './support.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-bad-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const rule = (over: Record<string, string | null> = {}) => writeRule(scratch, over);
const repeated = (count: number, entry: (n: number) => [string, string]) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => entry(n)));
const mkfifo = (path: string) => execFileSync('mkfifo', [path]);

describe('a tree that holds no rule is an error with a code and the path', () => {
  test.each<[string, () => Promise<string>, string, RegExp]>([
    [
      'a pipe',
      async () => inRule((at) => mkfifo(join(at, 'pipe'))),
      'UNREADABLE_TREE',
      /\/pipe is a link or/,
    ],
    [
      'a pipe for check.ts',
      async () => {
        const at = await rule({ 'check.ts': null });
        mkfifo(join(at, 'check.ts'));
        return at;
      },
      'UNREADABLE_TREE',
      /check\.ts is a link or a special file/,
    ],
    [
      'a pipe in a case',
      async () => inRule((at) => mkfifo(join(at, '.tests/valid/json/p'))),
      'UNREADABLE_TREE',
      /json\/p is/,
    ],
    [
      'a link to a directory in a case',
      async () => inRule((at) => symlink('/etc', join(at, '.tests/valid/json/etc'))),
      'UNREADABLE_TREE',
      /json\/etc is a link/,
    ],
    [
      'a link to a device',
      async () => inRule((at) => symlink('/dev/zero', join(at, 'captures/zero.yml'))),
      'UNREADABLE_TREE',
      /zero\.yml is a link/,
    ],
    [
      'a link to nothing',
      async () => inRule((at) => symlink('none', join(at, 'lost'))),
      'UNREADABLE_TREE',
      /lost is a link/,
    ],
    [
      'a case file that is not text',
      async () => inRule((at) => writeFile(join(at, '.tests/valid/json/b.ts'), Buffer.from([0xc3, 0x28]))),
      'UNREADABLE_TREE',
      /\.tests\/valid\/json\/b\.ts is not UTF-8/,
    ],
    [
      'a check that is not text',
      async () => inRule((at) => writeFile(join(at, 'check.ts'), Buffer.from([0xff, 0xfe, 0, 0]))),
      'UNREADABLE_TREE',
      /check\.ts is not UTF-8/,
    ],
    [
      'a name that is not text',
      async () =>
        inRule((at) =>
          writeFile(Buffer.concat([Buffer.from(`${at}/.tests/valid/json/`), Buffer.from([0xff])]), ''),
        ),
      'UNREADABLE_TREE',
      /has a name that is not UTF-8/,
    ],
    [
      'a path with a control character',
      () => rule({ '.tests/valid/json/a\u001b[31m.ts': '' }),
      'NOT_A_RULE',
      /json\/a.*contains a control character/,
    ],
    [
      'a path with a backslash',
      () => rule({ '.tests/valid/json/a\\b': '' }),
      'NOT_A_RULE',
      /a\\b contains a backslash/,
    ],
    ['a prototype as a name', () => rule({ '.tests/valid/json/__proto__': '' }), 'NOT_A_RULE', /__proto__/],
    [
      'a case of too many files',
      () => rule(repeated(201, (n) => [`.tests/valid/many/${n}.ts`, ''])),
      'NOT_A_RULE',
      /\.tests\/valid\/many is no case: a case has at most 200 files/,
    ],
    [
      'a case that is too large',
      () => rule({ '.tests/invalid/large/a.ts': 'x'.repeat(1024 * 1024 + 1) }),
      'NOT_A_RULE',
      /\.tests\/invalid\/large is no case: a case has at most 1048576 bytes/,
    ],
    [
      'too many cases',
      () => rule(repeated(199, (n) => [`.tests/valid/c${n}/a.ts`, ''])),
      'NOT_A_RULE',
      /has 201 cases; at most 200/,
    ],
    [
      'findings that are no JSON',
      () => rule({ '.tests/findings.json': '{' }),
      'NOT_A_RULE',
      /findings\.json is not JSON/,
    ],
    [
      'findings of a case that is not there',
      () => rule({ '.tests/findings.json': '{"invalid/evla":[{"file":"a.ts"}]}' }),
      'NOT_A_RULE',
      /"invalid\/evla", which is no invalid case/,
    ],
    [
      'findings of a valid case',
      () => rule({ '.tests/findings.json': '{"valid/json":[{"file":"a.ts"}]}' }),
      'NOT_A_RULE',
      /"valid\/json", which is no invalid case/,
    ],
    [
      'a folder for check.ts',
      () => rule({ 'check.ts': null, 'check.ts/a': '' }),
      'NOT_A_RULE',
      /has no check\.ts/,
    ],
    ['nothing at all', async () => mkdtemp(join(scratch, 'empty-')), 'NOT_A_RULE', /has no check\.ts/],
    ['a file', async () => join(await rule(), 'check.ts'), 'NOT_A_DIRECTORY', /is not a directory/],
    [
      'a sparse file of 300 MiB',
      async () =>
        inRule(async (at) => {
          await writeFile(join(at, 'big'), '');
          await truncate(join(at, 'big'), 300 * 1024 * 1024);
        }),
      'UNREADABLE_TREE',
      /is too large for a rule directory/,
    ],
  ])('%s', async (_name, make, code, message) => {
    const refused = await readRuleDirectory(await make()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test('as JSON: one document, exit code 2, nothing on stderr', async () => {
    const at = await inRule((dir) => mkfifo(join(dir, '.tests/valid/json/pipe')));
    const run = await assayIn(scratch, ['test', at, '--json']);
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, code: 'UNREADABLE_TREE' });
    expect(run).toMatchObject({ code: 2, stderr: '' });
  });

  test('in text too: one line for a person, without a trace or an escape', async () => {
    for (const at of [
      await inRule((dir) => mkfifo(join(dir, 'pipe'))),
      await rule({ '.tests/valid/json/a\u001b[31m.ts': '' }),
    ]) {
      const run = await assayIn(scratch, ['test', at]);
      expect(run).toMatchObject({ code: 2, stdout: '' });
      expect(run.stderr).toMatch(/^assay: [^\u001b\n]+\n$/);
    }
  });

  test('a socket, though nobody could read it', async () => {
    const at = await rule();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(at, 'socket'), resolve));
    const run = await assayIn(scratch, ['test', at]);
    server.close();
    expect(run).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('socket is a link or a special file'),
    });
  });
});

describe('a rule that no sandbox need see is rejected', () => {
  test.each<[string, Record<string, string | null>, RegExp]>([
    [
      'an unknown language',
      { 'captures/call.yml': CAPTURE.replace('typescript', 'cobol') },
      /captures\/call\.yml .*not a language/,
    ],
    ['YAML that is none', { 'captures/call.yml': 'rule: {' }, /captures\/call\.yml is not valid YAML/],
    ['YAML that grows', { 'captures/call.yml': `${CAPTURE}utils: ${bomb()}` }, /captures\/call\.yml/],
    ['no captures', { 'captures/call.yml': null }, /at least one/],
    [
      'a capture that is too large',
      { 'captures/call.yml': `${CAPTURE}#${'x'.repeat(17_000)}` },
      /larger than 16384/,
    ],
    [
      'too many captures',
      repeated(12, (n) => [`captures/c${n}.yml`, CAPTURE.replace('12345678', `x${n}`)]),
      /13 captures; at most 12/,
    ],
    [
      'something else among the captures',
      { 'captures/call.json': '{}' },
      /captures\/call\.json is not part of a rule/,
    ],
    [
      'a check that is too large',
      { 'check.ts': `${CHECK}//${'x'.repeat(65_536)}` },
      /check\.ts is larger than 65536/,
    ],
  ])('%s', async (_name, over, message) => {
    const { ruleFiles } = await readRuleDirectory(await rule(over));
    const inspected = inspectForSandbox(ruleFiles);
    expect(inspected).toMatchObject({ ok: false });
    expect(inspected.ok ? '' : inspected.problems.map((one) => one.message).join()).toMatch(message);
  });

  test('as JSON: one document without a sandbox, exit code 1', async () => {
    const at = await rule({ 'captures/call.yml': CAPTURE.replace('typescript', 'cobol') });
    const run = await assayIn(scratch, ['test', at, '--json']);
    expect(JSON.parse(run.stdout)).toMatchObject({ verdict: 'rejected', isolation: null, cases: [] });
    expect(run).toMatchObject({ code: 1, stderr: '' });
  });
});

test('what is no part of a rule is left out and named, whatever is in it', async () => {
  const at = await rule({
    'README.md': 'a rule\n',
    'captures/.call.yml.swp': '',
    'captures/call.yml~': 'x: [',
  });
  await writeFile(join(at, 'logo.png'), Buffer.from([0x89, 0x50, 0xff]));
  const run = await assayIn(scratch, ['test', at]);
  expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('accepted 2 of 2') });
  expect(run.stderr).toContain('left out: README.md, captures/.call.yml.swp, captures/call.yml~, logo.png');
});

async function inRule(change: (at: string) => unknown): Promise<string> {
  const at = await rule();
  await change(at);
  return at;
}

function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
  for (let n = 1; n < 9; n += 1)
    lines.push(
      `a${n}: &a${n} [${Array(9)
        .fill(`*a${n - 1}`)
        .join(', ')}]`,
    );
  return `\n  ${lines.join('\n  ')}\n`;
}
