/** Reading a directory that is too large, not ours to read, or changing meanwhile. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTree } from '../../cli/read-tree.ts';
import { writeRule } from './support.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-tree-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const rule = (over: Record<string, string | null> = {}) => writeRule(scratch, over);

test('ends at 50 000 entries, folders counted', async () => {
  const at = join(scratch, 'wide');
  // The folder is entered first, so that the files need not be read for it.
  await mkdir(at);
  execFileSync('sh', ['-c', 'seq 1 49000 | xargs touch && mkdir 0 && cd 0 && seq 1 1001 | xargs mkdir'], {
    cwd: at,
  });
  await expect(readTree(at)).rejects.toMatchObject({ code: 'UNREADABLE_TREE' });
});

test('what may not be read is named', async () => {
  const at = await rule();
  await chmod(scratch, 0o755);
  await chmod(join(at, 'check.ts'), 0);
  const error = await asNobody(() => readTree(at).catch((reason: unknown) => reason));
  expect(error).toMatchObject({ code: 'UNREADABLE_TREE', message: expect.stringContaining('check.ts') });
  await chmod(join(at, 'check.ts'), 0o644);
  await chmod(join(at, 'captures'), 0);
  const folder = await asNobody(() => readTree(at).catch((reason: unknown) => reason));
  expect(folder).toMatchObject({ code: 'UNREADABLE_TREE', message: expect.stringContaining('captures') });
});

test('a tree that changes under the reader is read as one of its states or refused, never waited for', async () => {
  const at = await rule({ 'a.txt': 'a\n' });
  execFileSync('mkfifo', [join(scratch, 'other')]);
  let going = true;
  const swapping = (async () => {
    while (going) {
      await rename(join(at, 'a.txt'), join(scratch, 'file'));
      await rename(join(scratch, 'other'), join(at, 'a.txt'));
      await rename(join(at, 'a.txt'), join(scratch, 'other'));
      await rename(join(scratch, 'file'), join(at, 'a.txt'));
    }
  })();
  const seen = new Set<string>();
  for (let n = 0; n < 100 || seen.size < 2; n += 1) {
    const result = await readTree(at).catch((error: { code: string }) => error.code);
    seen.add(typeof result === 'string' ? result : new TextDecoder().decode(result.get('a.txt')));
  }
  going = false;
  await swapping;
  for (const one of seen) expect(['a\n', '', 'UNREADABLE_TREE']).toContain(one);
  expect(await readdir(at)).toContain('a.txt');
});
/** Root reads everything, so a refusal has to be asked for as somebody else. */
async function asNobody<T>(body: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return body();
  process.seteuid?.(65_534);
  try {
    return await body();
  } finally {
    process.seteuid?.(0);
  }
}
