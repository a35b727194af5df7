/**
 * The two stores of a deployment, local or on Cloudflare, through wrangler: its export and import for the database,
 * bindings for objects. Works on a configuration of its own that has nothing but these two, so that neither secrets
 * nor the Worker are needed.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getPlatformProxy, unstable_readConfig } from 'wrangler';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WRANGLER = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');

export interface Bucket {
  list(options: { prefix?: string; cursor?: string; limit?: number }): Promise<Page>;
  get(key: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> } | null>;
  put(key: string, bytes: Uint8Array): Promise<unknown>;
}
interface Page {
  readonly objects: readonly { readonly key: string }[];
  readonly truncated: boolean;
  readonly cursor?: string;
}
interface Database {
  prepare(sql: string): { all<T>(): Promise<{ results: T[] }> };
}

export interface Stores {
  readonly bucket: Bucket;
  /** Names of the tables there are. */
  tables(): Promise<string[]>;
  exportDatabase(file: string): void;
  importDatabase(file: string): void;
  close(): Promise<void>;
}

export type Place =
  /** Folder given to `wrangler dev --persist-to`; nothing may be running on it. */
  | { readonly persistTo: string }
  /** What `wrangler.jsonc` names, with the account that wrangler is logged in to. */
  | { readonly remote: true };

export async function openStores(place: Place): Promise<Stores> {
  const remote = 'remote' in place;
  const work = await mkdtemp(join(tmpdir(), 'assay-stores-'));
  const config = join(work, 'wrangler.json');
  const { name, compatibility_date, d1_databases, r2_buckets } = unstable_readConfig(
    { config: join(ROOT, 'wrangler.jsonc') },
    { hideWarnings: true },
  );
  const database = d1_databases.find((one: { binding: string }) => one.binding === 'DB')?.database_name;
  if (database === undefined) throw new Error('wrangler.jsonc names no database DB');
  const bound = <T>(list: T[]) => list.map((one) => ({ ...one, remote }));
  const only = { name, compatibility_date, d1_databases: bound(d1_databases), r2_buckets: bound(r2_buckets) };
  await writeFile(config, JSON.stringify(only));
  if (!remote) await linkState(work, resolve(place.persistTo));
  const proxy = await getPlatformProxy<{ DB: Database; BUCKET: Bucket }>({
    configPath: config,
    persist: { path: join(work, '.wrangler', 'state', 'v3') },
    remoteBindings: remote,
  });
  const where = remote ? '--remote' : '--local';
  return {
    bucket: proxy.env.BUCKET,
    tables: () => tablesOf(proxy.env.DB),
    exportDatabase: (file) =>
      wrangler(config, ['d1', 'export', database, where, '--output', file, '--skip-confirmation']),
    importDatabase: (file) => wrangler(config, ['d1', 'execute', database, where, '--file', file, '--yes']),
    close: async () => {
      await proxy.dispose();
      await rm(work, { recursive: true, force: true });
    },
  };
}

/** Where wrangler looks for local state beside a configuration; not every command of it can be told another place. */
async function linkState(work: string, persistTo: string): Promise<void> {
  await mkdir(persistTo, { recursive: true, mode: 0o700 });
  await mkdir(join(work, '.wrangler'));
  await symlink(persistTo, join(work, '.wrangler', 'state'));
}

async function tablesOf(db: Database): Promise<string[]> {
  const sql = "SELECT name FROM sqlite_master WHERE type = 'table'";
  const { results } = await db.prepare(sql).all<{ name: string }>();
  return results.map((one) => one.name).filter((name) => !/^(sqlite_|_cf_)/.test(name));
}

function wrangler(config: string, args: readonly string[]): void {
  const env = { ...process.env, CI: '1', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false' };
  const run = spawnSync(process.execPath, [WRANGLER, ...args, '--config', config], { env, encoding: 'utf8' });
  if (run.status === 0) return;
  throw new Error(`wrangler ${args.slice(0, 2).join(' ')} failed:\n${run.stdout}\n${run.stderr}`);
}
