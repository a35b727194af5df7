/** Backup and restore on stores in memory: what is copied in which order, and what is refused. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backup } from '../../../dev/backup/backup.ts';
import { paths } from '../../../dev/backup/format.ts';
import { isWithin, sizeOf } from '../../../dev/backup/log-part.ts';
import { restore } from '../../../dev/backup/restore.ts';
import type { Stores } from '../../../dev/backup/stores.ts';

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-backup-'));
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

class Memory implements Stores {
  readonly objects: Map<string, Uint8Array<ArrayBuffer>>;
  readonly order: string[] = [];
  sql: string;
  onExport: () => void = () => undefined;

  constructor(objects: Record<string, string> = {}, sql = '') {
    this.objects = new Map(
      Object.entries(objects).map(([key, text]) => [key, new TextEncoder().encode(text)]),
    );
    this.sql = sql;
  }
  readonly bucket = {
    list: async ({ cursor }: { cursor?: string }) => {
      const keys = [...this.objects.keys()].sort();
      const from = Number(cursor ?? 0);
      // Two to a page, so that pages are followed.
      const page = keys.slice(from, from + 2).map((key) => ({ key }));
      return { objects: page, truncated: from + 2 < keys.length, cursor: String(from + 2) };
    },
    get: async (key: string) => {
      this.order.push(`get ${key}`);
      const bytes = this.objects.get(key);
      return bytes === undefined ? null : { arrayBuffer: async () => bytes.slice().buffer };
    },
    put: async (key: string, bytes: Uint8Array) => {
      this.order.push(`put ${key}`);
      this.objects.set(key, new Uint8Array(bytes));
    },
  };
  tables = async () => (this.sql === '' ? [] : ['generations']);
  exportDatabase = (file: string) => {
    this.order.push('export');
    writeFileSync(file, this.sql);
    this.onExport();
  };
  importDatabase = (file: string) => {
    this.order.push('import');
    this.sql = readFileSync(file, 'utf8');
  };
  close = async () => undefined;
  texts = () =>
    Object.fromEntries([...this.objects].map(([key, bytes]) => [key, new TextDecoder().decode(bytes)]));
}

const CHECKPOINT = 'a.test/log\n2\nroot\n\nsignature\n';
const LOG = {
  'log/checkpoint': CHECKPOINT,
  'log/index/aa': '0',
  'log/index/bb': '1',
  'log/tile/0/000.p/2': 'tile',
  'log/tile/entries/000.p/2': 'entries',
};
const REST = { 'orgs/a/generations/g/request.json': '{}', 'trust/published.json': '{"roots":[]}' };
/** Written, and not published yet. */
const BEYOND = { 'log/index/cc': '2', 'log/tile/0/000.p/3': 'other', 'log/tile/entries/000.p/3': 'other' };

test('there and back is the same, without what the log has not published', async () => {
  const from = new Memory({ ...LOG, ...REST, ...BEYOND }, 'CREATE TABLE generations (id)');
  const manifest = await backup(from, join(scratch, 'b'), new Date(0));
  expect(manifest).toMatchObject({ objects: { count: 7 }, logEntries: 2 });
  const to = new Memory();
  await restore(to, join(scratch, 'b'));
  expect(to.texts()).toEqual({ ...LOG, ...REST });
  expect(to.sql).toBe(from.sql);
  // Whoever finds a checkpoint finds all it stands for; whoever finds a row finds its objects.
  expect(to.order.slice(-2)).toEqual(['put log/checkpoint', 'import']);
});

test('a service that works meanwhile: rows first, then objects, then the checkpoint, then its tiles', async () => {
  const from = new Memory({ ...LOG, ...REST }, 'rows');
  from.onExport = () => from.objects.set('orgs/a/later', new TextEncoder().encode('later'));
  await backup(from, join(scratch, 'b'), new Date(0));
  const first = (prefix: string) => from.order.findIndex((one) => one.startsWith(prefix));
  const last = (prefix: string) => from.order.findLastIndex((one) => one.startsWith(prefix));
  expect(from.order[0]).toBe('export');
  expect(last('get orgs/')).toBeLessThan(first('get log/checkpoint'));
  expect(first('get log/checkpoint')).toBeLessThan(first('get log/tile'));
  expect(from.order).toContain('get orgs/a/later');
});

test('without a log there is none', async () => {
  expect(await backup(new Memory(REST, 'rows'), join(scratch, 'b'), new Date(0))).toMatchObject({
    logEntries: null,
  });
});

describe('refused, before anything is written', () => {
  test('a folder that is not empty', async () => {
    await writeFile(join(scratch, 'x'), '');
    await expect(backup(new Memory(REST, 'rows'), scratch, new Date(0))).rejects.toThrow('is not empty');
    expect(await readdir(scratch)).toEqual(['x']);
  });

  test('stores with other content, and a backup that was changed', async () => {
    const kept = join(scratch, 'b');
    await backup(new Memory({ ...LOG, ...REST }, 'rows'), kept, new Date(0));
    const full = new Memory({}, 'other rows');
    await expect(restore(full, kept)).rejects.toThrow('the database is not empty');
    const other = new Memory({ 'orgs/b/x': 'x' });
    await expect(restore(other, kept)).rejects.toThrow('orgs/b/x is not of this backup');
    const changed = new Memory({ 'trust/published.json': 'another' });
    await expect(restore(changed, kept)).rejects.toThrow('trust/published.json is not of this backup');
    // An interrupted one is begun again.
    const half = new Memory({ 'trust/published.json': REST['trust/published.json'] });
    await restore(half, kept);
    expect(half.texts()).toEqual({ ...LOG, ...REST });
    const [folder = ''] = await readdir(join(kept, 'objects'));
    const [digest = ''] = await readdir(join(kept, 'objects', folder));
    await writeFile(paths(kept).object(digest), 'changed');
    const empty = new Memory();
    await expect(restore(empty, kept)).rejects.toThrow('of the backup was changed');
    for (const stores of [full, other, changed, empty]) {
      expect(stores.order.filter((one) => !one.startsWith('get'))).toEqual([]);
    }
  });
});

test.each([
  ['tile/0/000.p/255', 300, true],
  ['tile/0/000', 300, true],
  ['tile/0/001.p/44', 300, true],
  ['tile/0/001.p/45', 300, false],
  ['tile/0/001', 300, false],
  ['tile/1/000.p/1', 300, true],
  ['tile/1/000.p/2', 300, false],
  ['tile/entries/001.p/45', 300, false],
])('%s belongs to a tree of %i: %s', (path, size, expected) => {
  expect(isWithin(`log/${path}`, size, () => '')).toBe(expected);
});

test('what is no checkpoint has no size', () => {
  expect(sizeOf(CHECKPOINT)).toBe(2);
  for (const text of ['', 'a.test/log', 'a.test/log\nx\n', 'a.test/log\n-1\n']) {
    expect(() => sizeOf(text)).toThrow('is none');
  }
});
