/** The command as a user runs it: a process, its exit code, what it prints. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publicKeyPem } from '../../src/signing/ed25519.ts';
import { signedRule } from '../support/signed.ts';
import { assayIn, CAPTURE, CHECK, ROOT, writeRule, writeSigned } from './support.ts';

let scratch: string;
let ruleDirectory: string;
let keyFile: string;

const assay = (args: readonly string[], env: Record<string, string> = {}) => assayIn(scratch, args, env);
const rule = (over: Record<string, string | null> = {}) => writeRule(scratch, over);

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-cli-'));
  const signed = await signedRule();
  ruleDirectory = await writeSigned(join(scratch, 'signed'), signed);
  keyFile = join(scratch, 'key.pem');
  await writeFile(keyFile, publicKeyPem(signed.publicKey));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe('wrong use', () => {
  test.each([
    ['no trust given', () => ['verify', ruleDirectory], 'no trust root'],
    [
      'a key that is not there',
      () => ['verify', ruleDirectory, '--key', 'none.pem'],
      'cannot read the key file',
    ],
    [
      'a file that is no key',
      () => ['verify', ruleDirectory, '--key', join(ruleDirectory, 'check.ts')],
      'not an Ed25519 public key',
    ],
    ['a directory that is not there', () => ['verify', 'nowhere', '--key', keyFile], 'is not a directory'],
    ['an unknown command', () => ['sign'], 'unknown command'],
    ['an unknown option', () => ['status', '--fast'], 'unknown option'],
  ])('%s: exit code 2 and a reason', async (_name, args, message) => {
    const run = await assay(args());
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(message);
  });

  test('errors are JSON under --json', async () => {
    const run = await assay(['verify', 'nowhere', '--key', keyFile, '--json']);
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, code: 'NOT_A_DIRECTORY' });
  });
});

describe('assay test', () => {
  test('accepted: exit code 0 and the report', async () => {
    const run = await assay(['test', await rule(), '--json']);
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({
      verdict: 'accepted',
      sandbox: 'host',
      isolation: { flags: { tcpBlocked: true, hostFilesHidden: true } },
      cases: [
        {
          name: 'eval',
          kind: 'invalid',
          status: 'reported',
          outcome: 'exited',
          findings: [{ file: 'a.ts', line: 1, message: 'eval is used' }],
        },
        { name: 'json', kind: 'valid', status: 'validated', outcome: 'exited', findings: [] },
      ],
    });
  });

  test.each<[string, Record<string, string | null>, string]>([
    ['noisy', { '.tests/valid/json/a.ts': 'eval(1);\n' }, 'noisy'],
    ['missing', { '.tests/invalid/eval/a.ts': 'evil(1);\n' }, 'no capture matched'],
    [
      'at another line',
      { '.tests/findings.json': '{"invalid/eval":[{"file":"a.ts","line":7}]}' },
      'expected a finding at a.ts:7',
    ],
    ['throwing', { 'check.ts': 'export default () => { throw new RangeError("no"); }' }, 'RangeError: no'],
    ['endless', { 'check.ts': 'export default () => { for (;;) {} }' }, 'did not end in time'],
    ['silent by early exit', { 'check.ts': 'export default () => process.exit(0)' }, 'gave no valid result'],
    ['no module', { 'check.ts': 'export default (' }, 'error'],
    [
      'refused by ast-grep',
      { 'captures/call.yml': CAPTURE.replace('pattern: eval($CODE)', 'kind: no_such_kind') },
      'refused the captures',
    ],
    ['with a capture that is no YAML', { 'captures/call.yml': 'a: [' }, 'not valid YAML'],
  ])('a rule that is %s is rejected with exit code 1', async (_name, over, message) => {
    const run = await assay(['test', await rule(over), '--timeout', '1000']);
    expect(run.code, run.stdout + run.stderr).toBe(1);
    expect(run.stdout).toContain(message);
    expect(run.stdout).toContain('rejected');
  });

  test('says what the service would refuse, and still runs it in the room', async () => {
    const check = `import { connect } from 'node:net';\nvoid connect;\n${CHECK}`;
    const run = await assay(['test', await rule({ 'check.ts': check })]);
    expect(run).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('the service would refuse this rule'),
    });
  });

  test.each<[string, () => Promise<string[]>, string]>([
    ['no check.ts', async () => ['test', await rule({ 'check.ts': null })], 'has no check.ts'],
    [
      'no cases',
      async () => ['test', await rule({ '.tests/valid/json/a.ts': null, '.tests/invalid/eval/a.ts': null })],
      'has no cases',
    ],
    ['a stray test file', async () => ['test', await rule({ '.tests/x.ts': '' })], '.tests/{valid,invalid}'],
    [
      'an unknown sandbox',
      async () => ['test', await rule(), '--sandbox', 'moon'],
      'host, isolate, container',
    ],
    ['a timeout that is no number', async () => ['test', await rule(), '--timeout', 'x'], 'whole number'],
    ['a directory that is not there', async () => ['test', 'nowhere'], 'is not a directory'],
  ])('%s: exit code 2 and a reason', async (_name, args, message) => {
    const run = await assay(await args());
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(message);
  });
});

describe('assay generate and status without a service', () => {
  const request = () => join(ROOT, 'fixtures/rules/go-wrap-errors/request.json');
  test.each<[string, () => string[], Record<string, string>, string]>([
    ['no service known', () => ['generate', request()], {}, 'npm run dev'],
    [
      'nothing listening',
      () => ['generate', request(), '--server', 'http://127.0.0.1:9', '--token', 't'],
      {},
      'cannot reach',
    ],
    ['no token', () => ['status', '--server', 'http://127.0.0.1:9'], {}, 'ASSAY_TOKEN'],
    [
      'a server that is no URL',
      () => ['status'],
      { ASSAY_URL: 'localhost', ASSAY_TOKEN: 't' },
      'is not a URL',
    ],
    [
      'a request that is not there',
      () => ['generate', 'none.json', '--server', 'http://127.0.0.1:9', '--token', 't'],
      {},
      'cannot read',
    ],
  ])('%s: exit code 2 and the next move', async (_name, args, env, message) => {
    const run = await assay(args(), env);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(message);
  });

  test('a request that does not fit is named before anything is sent', async () => {
    const file = join(scratch, 'bad.json');
    await writeFile(file, '{"prompt":"x","cases":[]}');
    const run = await assay(['generate', file, '--server', 'http://127.0.0.1:9', '--token', 't']);
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('is not a request') });
  });
});

test('--help names every command and the exit codes', async () => {
  const run = await assay(['--help']);
  expect(run.code).toBe(0);
  for (const word of ['generate', 'status', 'cancel', 'replay', 'test', 'verify', 'Exit codes'])
    expect(run.stdout).toContain(word);
});
