/** Migrations on a database that has rows: each applies to what the ones before it left, and loses nothing. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { LAST_MIGRATION } from '../../../src/store/migrations.ts';

const FOLDER = join(import.meta.dirname, '../../../migrations');

async function apply(db: DatabaseSync, file: string): Promise<void> {
  db.exec(await readFile(join(FOLDER, file), 'utf8'));
}

test('rows of the first schema are there after the last, with what can be known of new columns', async () => {
  const files = (await readdir(FOLDER)).sort();
  const db = new DatabaseSync(':memory:');
  const [first = '', ...later] = files;
  await apply(db, first);
  const now = '2026-01-01T00:00:00.000Z';
  const generation = db.prepare(
    `INSERT INTO generations (id, org_id, status, prompt_excerpt, request_sha256, model, cases_total, attempts_max, created_at, updated_at, ended_at)
     VALUES (?, 'first', ?, 'a prompt', '', 'a-model', 2, 5, ?, ?, ?)`,
  );
  generation.run('gen-1', 'signed', now, now, now);
  generation.run('gen-2', 'running', now, now, null);
  db.prepare(
    `INSERT INTO rules (id, org_id, generation_id, name, summary, bundle_sha256, key_id, published_at)
     VALUES ('rule-1', 'first', 'gen-1', 'no-eval', '', '', 'k', ?)`,
  ).run(now);
  for (const file of later) await apply(db, file);
  expect(
    db.prepare('SELECT id, status, retry_of, step_retries, engine FROM generations ORDER BY id').all(),
  ).toEqual([
    { id: 'gen-1', status: 'signed', retry_of: null, step_retries: 0, engine: 'runtime' },
    { id: 'gen-2', status: 'running', retry_of: null, step_retries: 0, engine: 'runtime' },
  ]);
  expect(db.prepare('SELECT id, model, engine_version, engine FROM rules').all()).toEqual([
    { id: 'rule-1', model: 'a-model', engine_version: null, engine: 'runtime' },
  ]);
  expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
});

test('the last one is the one that health asks for', async () => {
  expect((await readdir(FOLDER)).sort().at(-1)).toBe(LAST_MIGRATION);
});
