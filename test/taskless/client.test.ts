/**
 * The unmodified Taskless client against the whole service: it logs in, asks for rules, improves one, and runs signed
 * rules that `assay install` wrote; changed and revoked ones it leaves alone. In order: later tests need what earlier
 * ones made.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { descendants, firstLine, output, startNode, untilGone } from '../support/processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLIENT = process.env.ASSAY_TASKLESS_CLIENT ?? '';

let scratch: string;
let stack: ChildProcess;
let url: string;
let token: string;

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const clientEnv = (): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: scratch,
  XDG_CONFIG_HOME: join(scratch, 'config'),
  TASKLESS_API_URL: `${url}/cli`,
  TASKLESS_TELEMETRY_DISABLED: '1',
  NO_COLOR: '1',
});

const taskless = (root: string, ...args: string[]): Promise<Ran> =>
  output(startNode([CLIENT, ...args, '-d', root], clientEnv()));

const assay = (...args: string[]): Promise<Ran> =>
  output(
    startNode([join(ROOT, 'bin/assay.mjs'), ...args], {
      ...{ PATH: process.env.PATH, HOME: scratch, NO_COLOR: '1' },
      ...{ ASSAY_URL: url, ASSAY_TOKEN: token, ASSAY_TRUST: join(scratch, 'state/trust') },
    }),
  );

interface Checked {
  readonly success: boolean;
  readonly results: readonly { readonly source: string; readonly ruleId: string; readonly file: string }[];
  readonly skipped?: readonly { readonly rule: string; readonly reason: string }[];
}

async function check(root: string): Promise<Checked> {
  const ran = await taskless(root, 'check', '--json');
  try {
    return JSON.parse(ran.stdout) as Checked;
  } catch {
    throw new Error(`no answer: ${JSON.stringify(ran)}`);
  }
}
const found = ({ results }: Checked) =>
  results.map(({ source, ruleId, file }) => `${source} ${ruleId} ${file}`).sort();

/** A repository as the client wants one; `layout` absent: the client has made nothing there. */
async function repository(name: string, layout?: number): Promise<string> {
  const root = join(scratch, name);
  await mkdir(join(root, 'src'), { recursive: true });
  const git = (...args: string[]) => execFileSync('git', ['-C', root, ...args]);
  git('init', '--quiet');
  git('remote', 'add', 'origin', `https://github.com/Acme/${name}.git`);
  await writeFile(join(root, 'src/a.ts'), 'export const parsed = JSON.parse("1");\neval("1");\n');
  if (layout !== undefined) {
    await mkdir(join(root, '.taskless'));
    await writeFile(join(root, '.taskless/taskless.json'), JSON.stringify({ version: layout }));
  }
  return root;
}

async function request(root: string, file: string, body: object): Promise<string> {
  const path = join(dirname(root), file);
  await writeFile(path, JSON.stringify(body));
  return path;
}
const rule = (script: string) => ({
  prompt: `No eval anywhere [[${script}]]`,
  successCases: ['JSON.parse(s);\n'],
  failureCases: ['eval(s);\n'],
});

/** Does at the approval page what a person does there. */
async function approve(userCode: string): Promise<void> {
  const body = new URLSearchParams({ user_code: userCode, token, decision: 'approve' });
  const headers = { origin: url, 'sec-fetch-site': 'same-origin' };
  const answer = await fetch(`${url}/cli/auth/verify`, { method: 'POST', body, headers });
  expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('Let in')]);
}

async function logIn(root: string): Promise<Ran> {
  const login = startNode([CLIENT, 'auth', 'login', '-d', root], clientEnv());
  const ended = output(login);
  const code = await new Promise<string>((resolve, reject) => {
    let text = '';
    login.stdout?.on('data', (part) => {
      text += String(part);
      const shown = /Enter code: (\S+)/.exec(text)?.[1];
      if (shown !== undefined) resolve(shown);
    });
    login.once('exit', () => reject(new Error(`the login ended: ${text}`)));
  });
  await approve(code);
  return ended;
}

/** A repository that is logged in with the token of another. */
async function sameLogin(from: string, to: string): Promise<void> {
  const file = '.taskless/.env.local.json';
  await mkdir(join(to, '.taskless'), { recursive: true });
  await writeFile(join(to, file), await readFile(join(from, file)), { mode: 0o600 });
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-taskless-'));
  // Rooms started by root have users that own nothing.
  await chmod(scratch, 0o755);
  stack = startNode([join(ROOT, 'test/support/stack-process.ts'), join(scratch, 'state')]);
  ({ url, token } = JSON.parse(await firstLine(stack)) as { url: string; token: string });
  const covered = await assay('owners', 'add', 'Acme');
  expect(covered, covered.stderr).toMatchObject({ code: 0 });
});
afterAll(async () => {
  const left = descendants(stack.pid ?? 0);
  stack.kill('SIGTERM');
  expect(await untilGone([stack.pid ?? 0, ...left])).toEqual([]);
  await rm(scratch, { recursive: true, force: true });
});

let widgets: string;
let ruleUuid: string;

test('logs in by device, unattended but for the page', async () => {
  widgets = await repository('Widgets');
  expect(await logIn(widgets)).toMatchObject({ code: 0, stdout: expect.stringContaining('Logged in') });
  const info = await taskless(widgets, 'info', '--json');
  expect(JSON.parse(info.stdout)).toMatchObject({
    loggedIn: true,
    auth: { user: 'Taskless CLI (Acme/Widgets), by configuration', orgs: ['Acme'] },
  });
});

describe('rules', () => {
  test('an sg rule is asked for, written, tested, run, and improved', async () => {
    const from = await request(widgets, 'create.json', rule('sggood'));
    const made = await taskless(widgets, 'rule', 'create', '--from', from, '--json');
    expect(made, made.stderr).toMatchObject({ code: 0 });
    const created = JSON.parse(made.stdout) as { ruleId: string; rules: string[]; files: string[] };
    expect(created.rules).toEqual(['no-eval']);
    expect(created.files).toHaveLength(3);
    for (const command of ['verify', 'test']) {
      const ran = await taskless(widgets, command, '.taskless/rules/sg/no-eval', '--json');
      expect(ran, `${command}: ${ran.stdout}${ran.stderr}`).toMatchObject({ code: 0 });
    }
    expect(found(await check(widgets))).toEqual(['ast-grep no-eval src/a.ts']);

    const meta = await taskless(widgets, 'rule', 'meta', 'no-eval', '--json');
    const { ticketId } = JSON.parse(meta.stdout) as { ticketId: string };
    expect(ticketId).toBe(created.ruleId);
    const improve = await request(widgets, 'improve.json', {
      ruleId: ticketId,
      guidance: 'Say it more kindly.',
      references: [{ filename: 'rules/sg/no-eval/no-eval.yml', content: 'id: no-eval\n' }],
    });
    const improved = await taskless(widgets, 'rule', 'improve', '--from', improve, '--json');
    expect(improved, improved.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(improved.stdout)).toMatchObject({ rules: ['no-eval'] });
    expect(found(await check(widgets))).toEqual(['ast-grep no-eval src/a.ts']);
  });

  test('a runtime rule ends with how to install it; a mistake in the request is named', async () => {
    const from = await request(widgets, 'runtime.json', rule('good'));
    const made = await taskless(widgets, 'rule', 'create', '--from', from, '--json');
    const answer = JSON.parse(made.stdout) as { code: string; message: string };
    expect(answer.code).toBe('RULE_GENERATION_FAILED');
    ruleUuid = /assay install ([0-9a-f-]{36}) /.exec(answer.message)?.[1] ?? '';
    expect(ruleUuid, answer.message).not.toBe('');

    const none = await request(widgets, 'none.json', { prompt: 'No eval' });
    const refused = await taskless(widgets, 'rule', 'create', '--from', none, '--json');
    expect((JSON.parse(refused.stdout) as { message: string }).message).toContain(
      'successCases: give at least one',
    );
    const elsewhere = await repository('elsewhere');
    execFileSync('git', ['-C', elsewhere, 'remote', 'set-url', 'origin', 'https://github.com/nobody/x.git']);
    await sameLogin(widgets, elsewhere);
    const uncovered = await taskless(elsewhere, 'rule', 'create', '--from', from, '--json');
    expect(JSON.parse(uncovered.stdout)).toMatchObject({ ok: false, code: 'NETWORK_ERROR' });
  });
});

describe('an installed runtime rule', () => {
  const checkFile = () => join(widgets, '.taskless/rules/runtime/no-eval/check.ts');
  const bothRan = ['ast-grep no-eval src/a.ts', 'taskless-runtime no-eval src/a.ts'];

  test('runs', async () => {
    const installed = await assay('install', ruleUuid, '--dir', widgets);
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
    const checked = await check(widgets);
    expect(checked.skipped ?? []).toEqual([]);
    expect(found(checked)).toEqual(bothRan);
    const again = await assay('install', ruleUuid, '--dir', widgets, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, wrote: [] });
  });

  test('counts for assay check too, in the same place', async () => {
    const ran = await assay('check', '--root', widgets, '--json');
    const report = JSON.parse(ran.stdout) as { rules: { name: string; status: string }[] };
    expect(report.rules).toContainEqual(expect.objectContaining({ name: 'no-eval', status: 'checked' }));
  });

  test('in another repository of the owner it does not run: it was asked for with this one', async () => {
    const other = await repository('other', 5);
    await sameLogin(widgets, other);
    expect((await assay('install', ruleUuid, '--dir', other)).code).toBe(0);
    expect(await check(other)).toMatchObject({ results: [], skipped: [{ rule: 'no-eval' }] });
  });

  test('changed, it is skipped; installed again, it runs', async () => {
    await appendFile(checkFile(), '\nconsole.log("changed");\n');
    const checked = await check(widgets);
    expect(checked.skipped).toMatchObject([{ rule: 'no-eval' }]);
    expect(found(checked)).toEqual(bothRan.slice(0, 1));
    expect(await assay('install', ruleUuid, '--dir', widgets)).toMatchObject({ code: 2 });
    expect(await assay('install', ruleUuid, '--dir', widgets, '--force')).toMatchObject({ code: 0 });
    expect(found(await check(widgets))).toEqual(bothRan);
  });

  test('with another end of its lines it is the same: the hash says so, the signature does not', async () => {
    const text = await readFile(checkFile(), 'utf8');
    await writeFile(checkFile(), text.replaceAll('\n', '\r\n'));
    expect(found(await check(widgets))).toEqual(bothRan);
    expect((await assay('verify', dirname(checkFile()))).code).toBe(1);
    await writeFile(checkFile(), text);
  });
});

describe('a repository of layout 3', () => {
  let old: string;

  test('gets rules where the client finds them, and they outlive its move to layout 5', async () => {
    old = await repository('old', 3);
    await sameLogin(widgets, old);
    const from = await request(old, 'old.json', { ...rule('good'), prompt: 'No eval in old code [[good]]' });
    const asked = await taskless(old, 'rule', 'create', '--from', from, '--json');
    const { message } = JSON.parse(asked.stdout) as { message: string };
    const uuid = /assay install ([0-9a-f-]{36}) /.exec(message)?.[1] ?? '';
    // The client has moved the folder when it looked at it; this one is as it was.
    await rm(join(old, '.taskless'), { recursive: true });
    await mkdir(join(old, '.taskless'));
    await writeFile(join(old, '.taskless/taskless.json'), '{"version":3}');
    await sameLogin(widgets, old);
    const installed = await assay('install', uuid, '--dir', old);
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
    expect(await readdir(join(old, '.taskless/runtime-rules/no-eval'))).toContain('check.ts');

    const checked = await check(old);
    expect(checked.skipped ?? []).toEqual([]);
    expect(found(checked)).toEqual(['taskless-runtime no-eval src/a.ts']);
    const moved = join(old, '.taskless/rules/runtime/no-eval');
    const verified = await assay('verify', moved);
    expect(verified, verified.stdout).toMatchObject({ code: 0 });
    expect(JSON.parse((await assay('install', uuid, '--dir', old, '--json')).stdout)).toMatchObject({
      wrote: [],
    });
  });

  test('an sg rule too; its bundle comes back with the next installation', async () => {
    const fresh = await repository('old-sg', 3);
    await sameLogin(widgets, fresh);
    const list = await assay('status', '--json');
    const { generations } = JSON.parse(list.stdout) as {
      generations: { id: string; engine: string; status: string }[];
    };
    const sg = generations.find(({ engine, status }) => engine === 'sg' && status === 'signed')?.id ?? '';
    const installed = await assay('install', sg, '--dir', fresh);
    expect(installed, installed.stderr).toMatchObject({ code: 0 });
    expect(found(await check(fresh))).toEqual(['ast-grep no-eval src/a.ts']);
    const directory = join(fresh, '.taskless/rules/sg/no-eval');
    const again = JSON.parse((await assay('install', sg, '--dir', fresh, '--json')).stdout) as {
      wrote: string[];
    };
    expect(again.wrote.every((path) => /rule\.(?:sigstore\.json|tlog-proof)$/.test(path))).toBe(true);
    const verified = await assay('verify', directory);
    expect(verified, verified.stdout).toMatchObject({ code: 0 });
    const tested = await taskless(fresh, 'test', '.taskless/rules/sg/no-eval', '--json');
    expect(tested, tested.stdout + tested.stderr).toMatchObject({ code: 0 });
  });
});

test('a revoked rule does not run any more', async () => {
  const keys = join(scratch, 'state/keys');
  const directory = join(widgets, '.taskless/rules/runtime/no-eval');
  const revoked = await assay(
    'keys',
    'revoke',
    '--dir',
    keys,
    '--bundle',
    directory,
    '--reason',
    'it was wrong',
  );
  expect(revoked, revoked.stderr).toMatchObject({ code: 0 });
  const published = await assay('keys', 'publish', '--dir', keys);
  expect(published, published.stderr).toMatchObject({ code: 0 });
  const checked = await check(widgets);
  expect(checked.skipped).toMatchObject([{ rule: 'no-eval' }]);
  expect(found(checked)).toEqual(['ast-grep no-eval src/a.ts']);
});

test('a token that is revoked leaves rules that need the service alone', async () => {
  const { tokens } = JSON.parse((await assay('tokens', 'list', '--json')).stdout) as {
    tokens: { id: string }[];
  };
  for (const { id } of tokens) expect((await assay('tokens', 'revoke', id)).code).toBe(0);
  const checked = await check(widgets);
  expect(checked.skipped).toMatchObject([
    { rule: 'no-eval', reason: expect.stringContaining('authentication') },
  ]);
});
