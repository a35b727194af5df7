/** Every way in which editors and people change a tree is noticed, again and again. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, test } from 'vitest';
import { TreeWatcher } from '../../../../cli/replay/watch.ts';

let scratch: string;
let root: string;
let watcher: TreeWatcher;
let pending: Promise<void>;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-watch-'));
  root = join(scratch, 'rule');
  await mkdir(join(root, 'captures'), { recursive: true });
  await mkdir(join(root, '.tests/valid/a/src'), { recursive: true });
  await writeFile(join(root, 'check.ts'), '1');
  await writeFile(join(root, '.tests/valid/a/src/x.ts'), '1');
  watcher = await TreeWatcher.open(root);
  pending = watcher.changed();
});
afterEach(async () => {
  watcher.close();
  await rm(scratch, { recursive: true, force: true });
});

/** Takes what is still to come of earlier changes, so that only `change` can be what is noticed. */
async function noticed(change: () => Promise<unknown>): Promise<void> {
  while ((await Promise.race([pending, wait(150, 'quiet')])) !== 'quiet') pending = watcher.changed();
  await change();
  await pending;
  pending = watcher.changed();
}
const at = (path: string) => join(root, path);
const byRename = async (path: string, text: string) => {
  await writeFile(join(scratch, 'saved'), text);
  await rename(join(scratch, 'saved'), at(path));
};

test.each(['check.ts', '.tests/valid/a/src/x.ts'])(
  '%s, written and saved by rename, several times',
  async (path) => {
    for (const text of ['2', '3', '4']) {
      await noticed(() => writeFile(at(path), text));
      await noticed(() => byRename(path, text));
    }
  },
);

test('new files and folders, at once or one by one, and what is then done in them', async () => {
  await noticed(() => writeFile(at('captures/new.yml'), '1'));
  await noticed(() => writeFile(at('captures/new.yml'), '2'));
  await noticed(() => rm(at('captures/new.yml')));
  await noticed(async () => {
    await mkdir(at('.tests/invalid/b/src'), { recursive: true });
    await writeFile(at('.tests/invalid/b/src/y.ts'), '1');
  });
  await noticed(() => writeFile(at('.tests/invalid/b/src/y.ts'), '2'));
  await noticed(() => byRename('.tests/invalid/b/src/y.ts', '3'));
});

test('a folder that is removed and made again, or moved away and back', async () => {
  await noticed(async () => {
    await rm(at('captures'), { recursive: true });
    await mkdir(at('captures'));
  });
  await noticed(() => writeFile(at('captures/a.yml'), '1'));
  await noticed(() => rename(at('.tests/valid/a'), join(scratch, 'a')));
  await noticed(() => rename(join(scratch, 'a'), at('.tests/valid/a')));
  await noticed(() => writeFile(at('.tests/valid/a/src/x.ts'), '2'));
});

test('the tree itself, removed and made again', async () => {
  await noticed(() => rm(root, { recursive: true }));
  await noticed(() => mkdir(root));
  await noticed(() => writeFile(at('check.ts'), '2'));
});

test('a change while nobody waits is not lost', async () => {
  const other = await TreeWatcher.open(root);
  await writeFile(at('check.ts'), '2');
  await wait(100);
  await other.changed();
  other.close();
});

test('a tree that never rests is told of all the same', async () => {
  let going = true;
  const writing = (async () => {
    for (let n = 0; going; n += 1) {
      await writeFile(at('check.ts'), String(n));
      await wait(5);
    }
  })();
  await pending;
  going = false;
  await writing;
});
