/** ast-grep rules in a project: signed ones run beside the others, unsigned ones are told and left alone. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installRule, type RuleToSign } from '../../support/signed-project.ts';
import { type Answer, callRule, lines, makeProject, statuses, type TestProject } from './support.ts';

const text = (name: string, callee: string, more = '') =>
  `id: ${name}\nlanguage: typescript\nseverity: warning\nmessage: ${callee} is called\n${more}rule:\n  pattern: ${callee}($A)\n`;
const sgRule = (name: string, callee: string, more = ''): RuleToSign => ({
  name,
  files: { [`${name}.yml`]: text(name, callee, more) },
});

let project: TestProject;
let answer: Answer;
beforeAll(async () => {
  project = await makeProject({ 'a.ts': 'bad(1);\n  bad(2);\nworse(3);\n', 'docs/b.ts': 'bad(4);\n' });
  await project.add(sgRule('bad', 'bad'));
  await project.add(sgRule('in-docs', 'bad', 'files: ["docs/**"]\n'));
  await project.add(sgRule('nothing', 'nothing'));
  await project.add(callRule('runtime', 'worse'));
  const changed = await project.add(sgRule('changed', 'bad'));
  await writeFile(join(changed.directory, 'changed.yml'), '# more\n', { flag: 'a' });
  const added = await project.add(sgRule('added', 'bad'));
  await writeFile(join(added.directory, 'more.yml'), text('more', 'bad'));
  await installRule(project.root, 'local', { 'local.yml': text('local', 'bad') });
  answer = await project.checkJson();
});
afterAll(() => rm(project.root, { recursive: true, force: true }));

it('are verified like the others, and an unsigned one is no failure', () => {
  expect(statuses(answer)).toEqual([
    'runtime: checked',
    'added: refused (file_not_signed)',
    'bad: checked',
    'changed: refused (file_changed)',
    'in-docs: checked',
    'local: ignored (not_signed)',
    'nothing: checked',
  ]);
});

it('find what they match, with their message and severity', () => {
  expect(lines(answer)).toEqual([
    'a.ts:1 bad is called',
    'a.ts:2 bad is called',
    'a.ts:3 worse is called',
    'docs/b.ts:1 bad is called',
    'docs/b.ts:1 bad is called',
  ]);
  const [first] = answer.findings;
  expect(first).toMatchObject({ rule: 'bad', severity: 'warning', line: 1, column: 1 });
  expect(answer.rules.find(({ name }) => name === 'bad')).toMatchObject({ matches: 3, findings: 3 });
});

it('alone need no check, and pass where nothing is wrong', async () => {
  const none = await project.check('--rule', 'nothing', '--rule', 'local');
  expect(none.code, none.stderr).toBe(0);
  expect(none.stdout).toContain('ignored local');
  const found = await project.check('--rule', 'bad', '--fail-on', 'warning');
  expect(found.code).toBe(1);
});
