import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Result } from 'sarif';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descendants, untilGone } from '../../support/processes.ts';
import { captureText, reportAll, writeFiles } from '../../support/signed-project.ts';
import { ASSAY } from '../support.ts';
import { callRule, lines, makeProject, statuses, type TestProject } from './support.ts';

const AS_BYTES = new TextEncoder();
const broken = new Uint8Array([...AS_BYTES.encode('bad(1); // '), 0xff, 0xfe]);
const NUMBERED = `interface Match { rule: string; file: string; line: number; text: string }
export default (_root: string, matches: Match[]) =>
  matches.map(({ rule, file, line, text }, at) => ({ file, line, message: \`\${at} \${rule} [\${text}]\` }));
`;

describe('what is scanned', () => {
  let project: TestProject;
  let bundleSha256: string;
  beforeAll(async () => {
    project = await makeProject({
      'b.ts': 'bad(2);\nfoo();\nbad(3);\n',
      'a.ts': 'bad(1);\n',
      'src/c.ts': 'bad(4);\n',
      'ignored/d.ts': 'bad(5);\n',
      '.gitignore': 'ignored/\n',
      'latin.ts': broken,
      'huge.ts': `${'f(1);\n'.repeat(210_000)}${'/'.repeat(2_000_000)}\nbad(6);\n`,
      'new\nline.ts': 'bad(7);\n',
      'quo"te\\ %20 #?.ts': 'bad(8);\n',
      "-dash & 'space'.ts": 'bad(9);\n',
    });
    execFileSync('git', ['init', '-q'], { cwd: project.root });
    ({ bundleSha256 } = await project.add(callRule('calls', 'bad', NUMBERED)));
  });
  afterAll(() => rm(project.root, { recursive: true, force: true }));

  it('is the project without what git ignores, whatever its files are called, in order', async () => {
    const answer = await project.checkJson();
    expect(answer.findings.map(({ file, message }) => `${file} ${message}`)).toEqual([
      "-dash & 'space'.ts 0 call [bad(9)]",
      'a.ts 1 call [bad(1)]',
      'b.ts 2 call [bad(2)]',
      'b.ts 3 call [bad(3)]',
      'new\nline.ts 4 call [bad(7)]',
      'quo"te\\ %20 #?.ts 5 call [bad(8)]',
      'src/c.ts 6 call [bad(4)]',
    ]);
    expect(answer.notScanned.map(({ reason, files }) => [reason, files]).sort()).toEqual([
      ['not_utf8', ['latin.ts']],
      ['too_large', ['huge.ts']],
    ]);
    expect(answer.run.code).toBe(1);
  });

  it('is only what is named, even where git ignores it', async () => {
    const answer = await project.checkJson('src', 'ignored/d.ts', "./-dash & 'space'.ts");
    expect(lines(answer)).toEqual([
      "-dash & 'space'.ts:1 0 call [bad(9)]",
      'ignored/d.ts:1 1 call [bad(5)]',
      'src/c.ts:1 2 call [bad(4)]',
    ]);
  });

  it('has no answer where a file may not be read', async () => {
    const secret = join(project.root, 'src/c.ts');
    await chmod(secret, 0);
    const answer = await project.checkJson('src');
    await chmod(secret, 0o644);
    expect(answer.notScanned).toMatchObject([{ reason: 'unreadable', files: ['src/c.ts'] }]);
    expect(answer.run.code).toBe(2);
  });

  it('writes SARIF that names the signed rule, with references no file name can break', async () => {
    const run = await project.check('--sarif', '--output', 'out.sarif');
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('7 findings');
    const [sarif] = JSON.parse(await readFile(join(project.root, 'out.sarif'), 'utf8')).runs;
    expect(sarif.tool.driver.rules).toMatchObject([
      {
        id: 'calls',
        shortDescription: { text: 'Finds calls.' },
        properties: { bundleSha256, generation: 'gen-calls' },
      },
    ]);
    const { results } = sarif as { results: Result[] };
    const uris = results.map(({ locations }) => locations?.[0]?.physicalLocation?.artifactLocation?.uri);
    expect(uris).toContain('quo%22te%5C%20%2520%20%23%3F.ts');
    expect(uris).toContain('new%0Aline.ts');
    expect(sarif.results[1]).toMatchObject({
      ruleId: 'calls',
      level: 'warning',
      locations: [
        { physicalLocation: { region: { startLine: 1 }, artifactLocation: { uriBaseId: '%SRCROOT%' } } },
      ],
      partialFingerprints: { primaryLocationLineHash: expect.stringMatching(/^[0-9a-f]{32}:1$/) },
    });
    expect(sarif.invocations).toMatchObject([{ executionSuccessful: true, exitCode: 1 }]);
  });
});

describe('captures', () => {
  it('of the same id do not meet, and broad ones give one match for each file', async () => {
    const project = await makeProject({
      'a.ts': 'one(1);\ntwo(2);\ntwo(3);\n',
      'src/b.ts': 'two(4);\n',
      'test/b.ts': 'two(5);\n',
    });
    const capture = (rule: string, over = {}) =>
      captureText({ id: 'same', rule: `{ pattern: ${rule} }`, ...over });
    const rules: Record<string, Record<string, string>> = {
      'a-one': { 'captures/a.yml': capture('one($A)') },
      'b-two': { 'captures/a.yml': capture('two($A)') },
      'c-two-again': { 'captures/a.yml': capture('two($A)') },
      'd-broad': { 'captures/a.yml': capture('two($A)', { match: 'broad', name: 'file' }) },
      'e-scoped': { 'captures/a.yml': capture('two($A)', { more: 'files: ["src/**"]\n' }) },
      'f-mixed': {
        'captures/a.yml': captureText({
          id: 'f-a',
          rule: '{ pattern: two($A) }',
          match: 'broad',
          name: 'file',
        }),
        'captures/b.yml': captureText({ id: 'f-b', rule: '{ pattern: one($A) }' }),
      },
    };
    for (const [name, captures] of Object.entries(rules)) {
      await project.add({ name, files: { 'check.ts': NUMBERED, ...captures } });
    }
    const { findings, rules: reports } = await project.checkJson();
    const by = (rule: string) =>
      findings
        .filter((one) => one.rule === rule)
        .map(({ file, line, message }) => `${file}:${line} ${message}`);
    expect(by('a-one')).toEqual(['a.ts:1 0 call [one(1)]']);
    const twos = ['a.ts:2 0 call [two(2)]', 'a.ts:3 1 call [two(3)]', 'src/b.ts:1 2 call [two(4)]'];
    expect(by('b-two')).toEqual([...twos, 'test/b.ts:1 3 call [two(5)]']);
    expect(by('c-two-again')).toEqual(by('b-two'));
    expect(by('d-broad')).toEqual(['a.ts:1 0 file []', 'src/b.ts:1 1 file []', 'test/b.ts:1 2 file []']);
    expect(by('e-scoped')).toEqual(['src/b.ts:1 0 call [two(4)]']);
    // Anchors come first, wherever their file stands.
    expect(by('f-mixed')).toContain('a.ts:1 0 call [one(1)]');
    expect(by('f-mixed')).toContain('test/b.ts:1 3 file []');
    expect(reports.map(({ matches }) => matches)).toEqual([1, 4, 4, 3, 1, 4]);
    await rm(project.root, { recursive: true });
  });

  it('that ast-grep refuses cost only their own rule', async () => {
    const project = await makeProject({ 'a.ts': 'one(1);\n' });
    for (const name of ['a', 'c', 'd']) await project.add(callRule(name, 'one'));
    const files = {
      'check.ts': NUMBERED,
      'captures/a.yml': captureText({ id: 'b', rule: '{ regex: one }' }),
    };
    await project.add({ name: 'b', files });
    const answer = await project.checkJson();
    expect(statuses(answer)).toEqual(['a: checked', 'b: failed (scan_failed)', 'c: checked', 'd: checked']);
    expect(answer.rules[1]?.message).toContain('Rule must specify a set of AST kinds to match');
    expect(answer.findings).toHaveLength(3);
    expect(answer.run.code).toBe(2);
    await rm(project.root, { recursive: true });
  });
});

describe('which findings count', () => {
  let project: TestProject;
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: project.root,
    });

  beforeAll(async () => {
    project = await makeProject({ 'old.ts': 'bad(1);\n', 'touched.ts': '', 'gone.ts': 'bad(1);\n' });
    await project.add(callRule('infos', 'bad', reportAll('i', 'info')));
    await project.add(callRule('warnings', 'bad', reportAll('w', 'warning')));
    git('init', '-q', '-b', 'main');
    git('add', '-A');
    git('commit', '-q', '-m', 'first');
    git('checkout', '-q', '-b', 'work');
    await writeFiles(project.root, { 'committed.ts': 'bad(1);\n' });
    git('add', '-A');
    git('commit', '-q', '-m', 'second');
    await rm(join(project.root, 'gone.ts'));
    await writeFiles(project.root, { 'touched.ts': 'bad(1);\n', 'ü new.ts': 'bad(1);\n' });
    git('config', 'core.fsmonitor', `touch ${join(project.root, 'RAN')}`);
    git('config', 'diff.external', `touch ${join(project.root, 'RAN')}`);
    git('config', 'filter.a=b.clean', `touch ${join(project.root, 'RAN')}; cat`);
    git('config', 'filter.a=b.required', 'true');
    await writeFiles(project.root, { '.git/info/attributes': '*.ts filter=a=b\n' });
  });
  afterAll(() => rm(project.root, { recursive: true, force: true }));

  it('only those in files that differ from where the work began, committed or not', async () => {
    const answer = await project.checkJson('--diff', 'main', '--rule', 'warnings');
    expect(lines(answer)).toEqual(['committed.ts:1 w', 'touched.ts:1 w', 'ü new.ts:1 w']);
    expect(answer.counts).toMatchObject({ total: 3 });
    expect(await readdir(project.root)).not.toContain('RAN');
  });

  it.each(['nowhere', '--output=x'])('no base, no answer: %j', async (base) => {
    expect(await project.check('--diff', base)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('assay:'),
    });
  });

  it('those at least as serious as asked, and all are counted when few are shown', async () => {
    const answer = await project.checkJson('--fail-on', 'error', '--max-findings', '3');
    expect(answer.run.code).toBe(0);
    expect(answer.counts).toEqual({ error: 0, warning: 4, info: 4, total: 8 });
    expect(answer.findings.map(({ severity }) => severity)).toEqual(['warning', 'warning', 'warning']);
    expect(answer.truncated).toBe(true);
    expect((await project.check('--fail-on', 'warning')).code).toBe(1);
  });
});

/** The check's own process, not one that builds its room. */
const CHECKING = /^\/bin\/node\0.*runner\.cjs/s;

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe('a run', () => {
  let project: TestProject;
  const start = (...args: string[]) =>
    spawn(process.execPath, [ASSAY, 'check', '--key', '.taskless/key.pem', ...args], {
      cwd: project.root,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const leftOf = async (pid: number | undefined): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith(`assay-host-${pid}-`));

  beforeAll(async () => {
    project = await makeProject({ 'a.ts': 'bad(1);\n' });
    const endless = 'export default () => new Promise((resolve) => setTimeout(resolve, 1e8));\n';
    for (const name of ['sleeps', 'sleeps-too']) await project.add(callRule(name, 'bad', endless));
  });
  afterAll(() => rm(project.root, { recursive: true, force: true }));

  async function untilChecking(child: ReturnType<typeof start>, count = 1): Promise<void> {
    for (let tries = 0; tries < 600; tries += 1) {
      const running = descendants(child.pid ?? 0)
        .map(commandOf)
        .filter((command) => CHECKING.test(command));
      if (running.length >= count) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the check never started');
  }

  it('runs checks side by side, and leaves none of them when it is interrupted', async () => {
    const child = start('--timeout', '60');
    await untilChecking(child, Math.min(2, availableParallelism()));
    const rooms = descendants(child.pid ?? 0);
    child.kill('SIGINT');
    const [, by] = await new Promise<unknown[]>((resolve) => child.once('close', (...end) => resolve(end)));
    expect(by).toBe('SIGINT');
    expect(rooms.length).toBeGreaterThan(0);
    expect(await untilGone(rooms)).toEqual([]);
    expect(await leftOf(child.pid)).toEqual([]);
  });

  it('that was killed is tidied up by the next', async () => {
    const child = start('--timeout', '60');
    await untilChecking(child);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    expect(await leftOf(child.pid)).toHaveLength(1);
    await project.check('--rule', 'sleeps', '--timeout', '1');
    expect(await leftOf(child.pid)).toEqual([]);
  });

  it('ends as it would when nobody reads it to the end', async () => {
    const child = start('--rule', 'sleeps', '--timeout', '1');
    child.stdout.destroy();
    const [code] = await new Promise<unknown[]>((resolve) => child.once('close', (...end) => resolve(end)));
    expect(code).toBe(2);
  });
});
