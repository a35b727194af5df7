/** `assay install`: what it writes in each layout, what it leaves alone, and what it never touches. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type InstallOptions, install as installCommand } from '../../cli/commands/install.ts';
import { errorDocument } from '../../cli/output.ts';
import type { SignedRule } from '../../src/schema/api.ts';
import { publicKeyPem } from '../../src/signing/ed25519.ts';
import { goodSgReply, sgRule } from '../support/sg.ts';
import { keyOf } from '../support/signed.ts';
import { reportAll, type SignedDirectory, signDirectory } from '../support/signed-project.ts';
import { assayIn, CAPTURE } from './support.ts';

/** What the service answers, by path. */
const served = new Map<string, unknown>();
const server = createServer((request, response) => {
  const body = served.get(request.url ?? '');
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body ?? { ok: false, code: 'NOT_FOUND', message: 'there is none' }));
});

const UUID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee';
let scratch: string;
let root: string;
let runtime: SignedDirectory;
let newer: SignedDirectory;
let sg: SignedDirectory;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-install-'));
  const key = await keyOf(7);
  await writeFile(join(scratch, 'key.pem'), publicKeyPem(key.publicKey));
  const rule = (message: string) => ({
    name: 'no-eval',
    files: { 'check.ts': reportAll(message), 'captures/call.yml': CAPTURE },
  });
  runtime = await signDirectory(key, rule('eval is used'));
  newer = await signDirectory(key, rule('eval is called'));
  sg = await signDirectory(key, { name: 'no-eval', files: sgRule().files });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  root = await mkdtemp(join(scratch, 'repo-'));
});
afterEach(() => served.clear());

function serve({ files, bundleSha256 }: SignedDirectory, over: Record<string, string> = {}): void {
  const answer: SignedRule & { files: Record<string, string> } = {
    ...{ id: 'rule-1', generationId: 'gen-1', name: 'no-eval', summary: goodSgReply.summary },
    ...{ engine: 'runtime', bundleSha256, keyId: 'k', model: null, engineVersion: null, nodeVersion: null },
    publishedAt: '2026-01-01T00:00:02.000Z',
    files: { ...files, ...over },
  };
  served.set('/v1/rules/rule-1', answer);
}

async function put(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}
const manifest = (version: unknown) => put({ '.taskless/taskless.json': JSON.stringify({ version }) });

interface Answer extends Partial<Record<'ok' | 'code' | 'reason' | 'message' | 'name' | 'layout', unknown>> {
  readonly exit: number | null;
  readonly wrote?: string[];
}

const serviceOptions = () => {
  const { port } = server.address() as AddressInfo;
  return { server: `http://127.0.0.1:${port}`, token: 't' };
};

/** The command in this process: starting one costs more than all it does. */
async function install(over: Partial<InstallOptions> = {}, id = 'rule-1'): Promise<Answer> {
  const options = { ...serviceOptions(), key: join(scratch, 'key.pem'), dir: root, json: true, ...over };
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    stdout += String(part);
    return true;
  });
  try {
    return { exit: await installCommand(id, options), ...(JSON.parse(stdout) as object) };
  } catch (error) {
    return { exit: 2, ...errorDocument(error) };
  } finally {
    write.mockRestore();
  }
}

async function paths(): Promise<string[]> {
  const entries = await readdir(join(root, '.taskless'), { recursive: true, withFileTypes: true });
  const folder = `${join(root, '.taskless')}/`;
  return entries
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length))
    .sort();
}
const read = (path: string) => readFile(join(root, '.taskless', path), 'utf8');

const IN_LAYOUT: [string, number, () => SignedDirectory, string[]][] = [
  [
    'runtime',
    5,
    () => runtime,
    [
      'rule-metadata/no-eval.yml',
      'rules/runtime/no-eval/.tests/invalid/evaluates/a.ts',
      'rules/runtime/no-eval/.tests/valid/parses-json/a.ts',
      'rules/runtime/no-eval/captures/call.yml',
      'rules/runtime/no-eval/check.ts',
      'rules/runtime/no-eval/rule.sigstore.json',
      'taskless.json',
    ],
  ],
  [
    'sg',
    5,
    () => sg,
    [
      'rule-metadata/no-eval.yml',
      'rules/sg/no-eval/.tests/invalid/evaluates/a.ts',
      'rules/sg/no-eval/.tests/no-eval-cases-test.yml',
      'rules/sg/no-eval/.tests/valid/parses-json/a.ts',
      'rules/sg/no-eval/no-eval.yml',
      'rules/sg/no-eval/rule.sigstore.json',
      'taskless.json',
    ],
  ],
  [
    'runtime',
    3,
    () => runtime,
    [
      'rule-metadata/no-eval.yml',
      'runtime-rule-tests/no-eval/invalid/evaluates/a.ts',
      'runtime-rule-tests/no-eval/valid/parses-json/a.ts',
      'runtime-rules/no-eval/call.yml',
      'runtime-rules/no-eval/check.ts',
      'runtime-rules/no-eval/rule.sigstore.json',
      'taskless.json',
    ],
  ],
  [
    'sg',
    3,
    () => sg,
    [
      'rule-metadata/no-eval.rule.sigstore.json',
      'rule-metadata/no-eval.yml',
      'rule-tests/no-eval/invalid/evaluates/a.ts',
      'rule-tests/no-eval/no-eval-cases-test.yml',
      'rule-tests/no-eval/valid/parses-json/a.ts',
      'rules/no-eval.yml',
      'taskless.json',
    ],
  ],
];

describe.each(IN_LAYOUT)('a rule of engine %s in layout %i', (_engine, layout, rule, expected) => {
  test('lies where the layout has it, and a second time changes nothing', async () => {
    await manifest(layout);
    serve(rule());
    expect(await install()).toMatchObject({ exit: 0, ok: true, name: 'no-eval', layout });
    expect(await paths()).toEqual(expected);
    expect(await read('rule-metadata/no-eval.yml')).toContain('ticketId: gen-1');
    expect(await install()).toMatchObject({ exit: 0, wrote: [], removed: [] });
  });

  test('is replaced when it is as it was signed, and not when somebody edited it', async () => {
    await manifest(layout);
    serve(rule());
    await install();
    const edited =
      expected.find((path) => /check\.ts$|no-eval\/no-eval\.yml$|^rules\/no-eval\.yml$/.test(path)) ?? '';
    const before = await read(edited);
    await put({ [`.taskless/${edited}`]: `${before}# mine\n` });
    expect(await install()).toMatchObject({ exit: 2, code: 'FILE_EXISTS' });
    expect(await read(edited)).toBe(`${before}# mine\n`);
    expect(await install({ force: true })).toMatchObject({ exit: 0, wrote: [`.taskless/${edited}`] });
    expect(await read(edited)).toBe(before);
  });
});

describe('what lies there already', () => {
  beforeEach(() => manifest(5));

  test('an older rule as it was signed gives way, with what only it had', async () => {
    const cases = [
      { name: 'other', kind: 'valid' as const, files: { 'a.ts': 'b();\n' } },
      { name: 'evaluates', kind: 'invalid' as const, files: { 'a.ts': 'eval(s);\n' } },
    ];
    const files = { 'check.ts': reportAll('old'), 'captures/call.yml': CAPTURE };
    serve(await signDirectory(await keyOf(7), { name: 'no-eval', files, cases }));
    await install();
    serve(runtime);
    const answer = await install();
    expect(answer).toMatchObject({
      exit: 0,
      removed: ['.taskless/rules/runtime/no-eval/.tests/valid/other/a.ts'],
    });
    expect(await read('rules/runtime/no-eval/check.ts')).toBe(runtime.files['check.ts']);
  });

  test('half of an interrupted installation is completed', async () => {
    await put({ '.taskless/rules/runtime/no-eval/check.ts': runtime.files['check.ts'] ?? '' });
    serve(runtime);
    expect(await install()).toMatchObject({
      exit: 0,
      unchanged: ['.taskless/rules/runtime/no-eval/check.ts'],
    });
  });

  test.each<[string, Record<string, string>]>([
    ['another file in the folder', { '.taskless/rules/runtime/no-eval/notes.md': 'mine' }],
    ['a rule that nobody signed', { '.taskless/rules/runtime/no-eval/check.ts': 'mine' }],
  ])('%s is kept, and named; --force takes its place', async (_name, files) => {
    await put(files);
    serve(runtime);
    const [path = ''] = Object.keys(files);
    const answer = await install();
    expect(answer).toMatchObject({
      ok: false,
      message: expect.stringContaining(path.slice('.taskless/'.length)),
    });
    expect(await readFile(join(root, path), 'utf8')).toBe('mine');
    expect(await install({ force: true })).toMatchObject({ exit: 0 });
    expect((await install()).wrote).toEqual([]);
  });

  test.each(['rules', 'rules/runtime', 'rules/runtime/no-eval'])(
    'a link at %s is not followed',
    async (link) => {
      const outside = join(root, 'outside');
      await mkdir(outside);
      await mkdir(dirname(join(root, '.taskless', link)), { recursive: true });
      await symlink(outside, join(root, '.taskless', link));
      serve(runtime);
      expect((await install({ force: true })).ok).toBe(false);
      expect(await readdir(outside)).toEqual([]);
    },
  );
});

describe('what is not installed', () => {
  beforeEach(() => manifest(5));

  test.each<[string, () => void, string]>([
    [
      'a rule with a changed file',
      () => serve(runtime, { 'check.ts': 'export default () => [];\n' }),
      'file_changed',
    ],
    ['a rule with a file more', () => serve(runtime, { 'more.ts': '' }), 'file_not_signed'],
    ['a file that escapes', () => serve(runtime, { '../../evil': '' }), 'file_not_signed'],
  ])('%s', async (_name, prepare, reason) => {
    prepare();
    expect(await install()).toMatchObject({ exit: 1, ok: false, reason });
    expect(await paths()).toEqual(['taskless.json']);
  });

  test('a rule that falls short of the policy', async () => {
    serve(runtime);
    await put({ 'policy.yml': 'version: 1\nengines: [sg]\n' });
    expect(await install({ policy: join(root, 'policy.yml') })).toMatchObject({ exit: 1, reason: 'policy' });
    expect(await paths()).toEqual(['taskless.json']);
  });

  test('nothing without trust', async () => {
    serve(runtime);
    const { server: url, token } = serviceOptions();
    const without = { server: url, token, dir: root, trust: join(root, 'nowhere'), json: true };
    await expect(installCommand('rule-1', without)).rejects.toMatchObject({ code: 'NO_TRUST_ROOT' });
    expect(await paths()).toEqual(['taskless.json']);
  });
});

test('as a process it prints what it wrote and exits with the answer', async () => {
  await manifest(5);
  serve(runtime);
  const { server: url, token } = serviceOptions();
  const args = ['--server', url, '--token', token, '--key', join(scratch, 'key.pem')];
  const run = await assayIn(root, ['install', 'rule-1', ...args], { HOME: scratch });
  expect(run.code).toBe(0);
  expect(run.stdout).toContain('wrote    .taskless/rules/runtime/no-eval/check.ts\n');
  expect(run.stderr).toContain('no-eval: verified, 6 written (layout 5)');
});

describe('the repository', () => {
  test('without .taskless gets one by --init alone', async () => {
    serve(runtime);
    expect(await install()).toMatchObject({ ok: false });
    expect(await install({ init: true })).toMatchObject({ exit: 0, layout: 5 });
    expect(JSON.parse(await read('taskless.json'))).toEqual({ version: 5 });
    expect(await read('.gitignore')).toBe('.env.local.json\n.run/\n/.sgconfig.yml\n/.vale.ini\n');
  });

  test('what its .gitignore has stays', async () => {
    await put({ '.taskless/.gitignore': 'mine\n.run/\n' });
    serve(runtime);
    await install({ init: true });
    expect(await read('.gitignore')).toBe('mine\n.run/\n.env.local.json\n/.sgconfig.yml\n/.vale.ini\n');
  });

  test.each<[string, unknown]>([
    ['layout 4', 4],
    ['a newer layout', 6],
    ['no layout', 'five'],
    ['layout 0', 0],
  ])('with a manifest of %s is refused', async (_name, version) => {
    await manifest(version);
    serve(runtime);
    expect((await install({ init: true, force: true })).ok).toBe(false);
    expect(await paths()).toEqual(['taskless.json']);
  });

  test('with files of an older layout and no manifest is not made a new one', async () => {
    await put({ '.taskless/rules/mine.yml': 'id: mine\n' });
    serve(runtime);
    expect((await install({ init: true })).ok).toBe(false);
    expect(await paths()).toEqual(['rules/mine.yml']);
  });
});

describe('which rule', () => {
  beforeEach(async () => {
    await manifest(5);
    serve(runtime);
  });

  test('by the id of its generation', async () => {
    served.set('/v1/generations/gen-1', { attempts: [], ruleId: 'rule-1' });
    expect(await install({}, 'gen-1')).toMatchObject({ exit: 0, ruleId: 'rule-1' });
  });

  test('by the UUID of the Taskless client', async () => {
    const assay = { generation: 'gen-1', rule: 'rule-1', engine: 'runtime' };
    served.set(`/cli/api/rule/${UUID}`, { ruleId: UUID, status: 'failed', assay });
    expect(await install({}, UUID)).toMatchObject({ exit: 0, ruleId: 'rule-1' });
  });

  test('one that is not signed yet', async () => {
    served.set('/v1/generations/gen-1', { attempts: [], ruleId: null });
    expect(await install({}, 'gen-1')).toMatchObject({ ok: false, message: 'gen-1 has no signed rule' });
  });

  test('the newer of two takes the place of the older', async () => {
    await install();
    serve(newer);
    expect((await install()).wrote).toContain('.taskless/rules/runtime/no-eval/check.ts');
  });
});
