import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLE_FILE } from '../../../src/rules/layout.ts';
import { keyOf } from '../../support/signed.ts';
import { installRule, reportAll, signDirectory, writeFiles } from '../../support/signed-project.ts';
import { type Answer, callRule, lines, makeProject, statuses, type TestProject } from './support.ts';

/** Any rule that runs without being allowed to reports this. */
const CANARY = reportAll('RAN');

describe('rules that are not what was signed', () => {
  let project: TestProject;
  let answer: Answer;

  beforeAll(async () => {
    project = await makeProject({ 'a.ts': 'good(1);\nbad(2);\n' });
    const bad = (name: string) => project.add(callRule(name, 'bad', CANARY));
    await project.add(callRule('good', 'good'));
    const changed = await bad('changed-capture');
    await writeFile(join(changed.directory, 'captures/call.yml'), '# more\n', { flag: 'a' });
    const check = await bad('changed-check');
    await writeFile(join(check.directory, 'check.ts'), '// more\n', { flag: 'a' });
    const added = await bad('file-added');
    await writeFile(join(added.directory, 'captures/more.yml'), 'id: x\n');
    const hidden = await bad('file-hidden');
    await rm(join(hidden.directory, 'captures'), { recursive: true });
    const linked = await bad('link-inside');
    await symlink('/etc/passwd', join(linked.directory, 'link'));
    await symlink(check.directory, join(project.root, '.taskless/rules/runtime/link-itself'));
    const unsigned = await bad('unsigned');
    await rm(join(unsigned.directory, BUNDLE_FILE));
    await writeFile(join((await bad('no-bundle')).directory, BUNDLE_FILE), 'not JSON');
    const foreign = await signDirectory(await keyOf(8), callRule('foreign', 'bad', CANARY));
    await installRule(project.root, 'foreign', foreign.files);
    const old = await signDirectory(project.key, callRule('old', 'bad', CANARY));
    await writeFiles(join(project.root, '.taskless/runtime-rules/old'), old.files);
    await writeFiles(join(project.root, '.taskless/rules/runtime/empty'), { 'check.ts': CANARY });
    answer = await project.checkJson();
  });
  afterAll(() => rm(project.root, { recursive: true, force: true }));

  it('are refused with the reason, each of them', () => {
    expect(statuses(answer)).toEqual([
      'changed-capture: refused (file_changed)',
      'changed-check: refused (file_changed)',
      'empty: refused (not_signed)',
      'file-added: refused (file_not_signed)',
      'file-hidden: refused (file_missing)',
      'foreign: refused (key_unknown)',
      'good: checked',
      'link-inside: refused (unreadable)',
      'link-itself: refused (not_a_directory)',
      'no-bundle: refused (bundle_not_json)',
      'unsigned: refused (not_signed)',
      'old: refused (old_layout)',
    ]);
  });

  it('are never run, while the others are', () => {
    expect(lines(answer)).toEqual(['a.ts:1 good is called']);
    expect(answer.run.code).toBe(2);
  });

  it('are told to people too, and one that is unsigned may be ignored', async () => {
    const people = await project.check('--rule', 'unsigned', '--rule', 'good', '--ignore-unsigned');
    expect(people.code).toBe(1);
    expect(people.stdout).toContain(
      'ignored unsigned: there is no rule.sigstore.json: this rule is not signed',
    );
    expect(people.stdout).toContain('> 1 | good(1);');
    expect(people.stdout).toContain('1 finding (1 warning); 1 rule checked, 1 ignored; 1 file in');
  });

  it('does not look at rules that were not asked for', async () => {
    const one = await project.checkJson('--rule', 'good');
    expect(statuses(one)).toEqual(['good: checked']);
    expect(one.run.code).toBe(1);
  });
});

describe('without an answer', () => {
  let project: TestProject;
  beforeAll(async () => {
    project = await makeProject({ 'a.ts': 'good(1);\n', 'sub/b.ts': '' });
    await project.add(callRule('good', 'good'));
  });
  afterAll(() => rm(project.root, { recursive: true, force: true }));

  it.each([
    [['--rule', 'nope'], 'NO_RULE', 'there are: good'],
    [['nowhere'], 'BAD_PATH', undefined],
    [['/etc'], 'BAD_PATH', undefined],
    [['--root', '/'], 'NO_PROJECT', 'run it inside a project, or name one with --root'],
    [['--diff', 'main'], 'NO_GIT', undefined],
    [['--key', '/nowhere'], 'NO_KEY', undefined],
    [['--policy', '/nowhere'], 'NO_POLICY', undefined],
  ])('says so: %j', async (args, code, hint) => {
    const run = await project.check('--json', ...args);
    expect(run.code).toBe(2);
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, code, ...(hint ? { hint } : {}) });
  });

  it('runs nothing that falls short of the policy', async () => {
    await writeFiles(project.root, { 'policy.yml': 'version: 1\nminCases: { valid: 5 }\n' });
    const answer = await project.checkJson('--policy', 'policy.yml');
    expect(statuses(answer)).toEqual(['good: refused (too_few_cases)']);
    expect(answer.findings).toEqual([]);
    expect(answer.run.code).toBe(2);
  });

  it('has nothing to do without rules, and needs nobody to trust for that', async () => {
    const empty = await makeProject({ 'a.ts': '' });
    const run = await empty.check('--trust', '/nowhere');
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('no findings; 0 rules checked');
    await rm(empty.root, { recursive: true });
  });

  it('refuses a layout it does not know', async () => {
    const newer = await makeProject({ '.taskless/taskless.json': '{"version": 6}' });
    expect(await newer.check()).toMatchObject({ code: 2, stderr: expect.stringContaining('says layout 6') });
    await rm(newer.root, { recursive: true });
  });

  it('explains one rule as verify does', async () => {
    const run = await project.check('--explain', 'good');
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('verified good: every byte of');
    expect(run.stdout).not.toContain('good is called');
  });
});
