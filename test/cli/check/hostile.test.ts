import { readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../dev/processes.ts';
import { assayIn } from '../support.ts';
import { type Answer, callRule, makeProject, statuses, type TestProject } from './support.ts';

/** What a check saw, as its one finding; the way the walls are looked at from inside. */
function telling(body: string, imports = ''): string {
  return `${imports}
export default async function check(root: string, matches: { file: string }[]) {
  const tell = (message: unknown) => [{ file: 'a.ts', line: 1, message: String(message) }];
  ${body}
}
`;
}

const tried = (call: string): string =>
  `try { ${call}; return tell('DONE'); } catch (error) { return tell((error as { code?: string }).code ?? error); }`;
const FS = "import * as fs from 'node:fs';";

describe('checks that try to get out', () => {
  let project: TestProject;
  let answer: Answer;
  let visits = 0;
  const server = createServer(() => {
    visits += 1;
  });

  beforeAll(async () => {
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    project = await makeProject({ 'a.ts': 'bad(1);\n', 'secret.txt': 'in the repository' });
    const rules: Record<string, string> = {
      'a-writes': telling(tried("fs.writeFileSync(root + '/a.ts', 'changed')"), FS),
      'b-reads-outside': telling(tried("fs.readFileSync('/etc/passwd')"), FS),
      'c-environment': telling('return tell(Object.keys(process.env).sort().join());'),
      'd-reads-inside': telling("return tell(fs.readFileSync(root + '/secret.txt', 'utf8'));", FS),
      'e-loops': telling('for (;;) {}'),
      'f-floods': telling("for (;;) console.log('x'.repeat(65536));"),
      'g-many': telling("return Array(60000).fill({ file: 'a.ts', message: 'm' });"),
      'h-forges': telling("try { fs.writeSync(3, 'token R []\\n'); } catch { } return [];", FS),
      'i-garbage': telling("return [{ file: '../outside', message: 'm' }];"),
      'j-throws': telling("throw new Error('on purpose\\u001b[31m');"),
      'k-exits': telling('process.exit(0);'),
      'l-escapes': telling("return tell('red \\u001b[31m \\u202e text');"),
      'm-takes-memory': telling('const all = []; for (;;) all.push(new Array(1e6).fill(0.5 + all.length));'),
    };
    for (const [name, check] of Object.entries(rules)) await project.add(callRule(name, 'bad', check));
    const connects = telling(`const { connect } = (process as any).getBuiltinModule('node:net');
  return new Promise((resolve) => {
    connect(${port}, '127.0.0.1', () => resolve(tell('CONNECTED'))).on('error', (e: any) => resolve(tell(e.code)));
  });`);
    await project.add({ ...callRule('n-connects', 'bad', connects), uninspected: true });
    const run = await assayIn(
      project.root,
      ['check', '--json', '--key', '.taskless/key.pem', '--timeout', '3'],
      {
        ASSAY_SECRET: 'secret',
      },
    );
    answer = { ...JSON.parse(run.stdout), run };
  });
  afterAll(async () => {
    server.close();
    await rm(project.root, { recursive: true, force: true });
  });

  const told = (rule: string): string | undefined =>
    answer.findings.find((one) => one.rule === rule)?.message;

  it('see the repository, and nothing else', () => {
    expect(told('a-writes')).toMatch(/EROFS|EACCES|ERR_ACCESS_DENIED/);
    expect(told('b-reads-outside')).toMatch(/ENOENT|ERR_ACCESS_DENIED/);
    // Bubblewrap adds PWD, which is "/".
    expect(told('c-environment')).toMatch(/^HOME,LANG,PATH,(PWD,)?TMPDIR,TZ,UV_USE_IO_URING$/);
    expect(told('d-reads-inside')).toBe('in the repository');
    expect(told('n-connects')).toMatch(/ENETUNREACH|ECONNREFUSED|EACCES|EPERM/);
    expect(visits).toBe(0);
  });

  it('end as what they are, and take no other rule with them', () => {
    expect(statuses(answer)).toEqual([
      'a-writes: checked',
      'b-reads-outside: checked',
      'c-environment: checked',
      'd-reads-inside: checked',
      'e-loops: failed (check_timed_out)',
      'f-floods: failed (check_output_exceeded)',
      'g-many: failed (check_invalid_result)',
      'h-forges: failed (check_invalid_result)',
      'i-garbage: failed (check_invalid_result)',
      'j-throws: failed (check_threw)',
      'k-exits: failed (check_invalid_result)',
      'l-escapes: checked',
      'm-takes-memory: failed (check_memory_exceeded)',
      'n-connects: checked',
    ]);
    expect(answer.run.code).toBe(2);
  });

  it('bring no control characters to a terminal', () => {
    expect(told('l-escapes')).toBe('red   text');
    const thrown = answer.rules.find(({ name }) => name === 'j-throws')?.message;
    expect(thrown).toBe('Error: on purpose (check.ts:4)');
  });

  it('leave nothing behind', async () => {
    const ours = (name: string): boolean => name.startsWith(`assay-host-${answer.run.pid}-`);
    expect((await readdir(tmpdir())).filter(ours)).toEqual([]);
  });

  it('cannot make our side read what they could not', async () => {
    await rm(join(project.root, '.taskless/rules/runtime'), { recursive: true });
    const elsewhere = join(tmpdir(), `assay-elsewhere-${process.pid}`);
    await writeFile(elsewhere, 'private line\n');
    await symlink(elsewhere, join(project.root, 'link.ts'));
    await project.add(
      callRule('links', 'bad', telling("return [{ file: 'link.ts', line: 1, message: 'm' }];")),
    );
    const run = await project.check();
    expect(run.stdout).toContain('link.ts');
    expect(run.stdout).not.toContain('private line');
    await rm(elsewhere);
  });
});
