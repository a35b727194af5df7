/**
 * Runs in workerd before each test file, which all share one Worker: applies the real migrations, and takes away what
 * an earlier file stored, so that none depends on another. The log stays, whose writer remembers what it published.
 */
import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { deleteBelow } from '../../src/store/prefix.ts';

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
const { results } = await env.DB.prepare(
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%' AND name <> 'd1_migrations'",
).all<{ name: string }>();
await env.DB.batch([
  env.DB.prepare('PRAGMA defer_foreign_keys = on'),
  ...results.map(({ name }) => env.DB.prepare(`DELETE FROM "${name}"`)),
]);
for (const prefix of ['orgs/', 'trust/']) await deleteBelow(env.BUCKET, prefix, Number.POSITIVE_INFINITY);
