/** What the service says of its budgets is what `wrangler.jsonc` sets. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RETRY_AFTER_S } from '../../../src/api/limits.ts';

test('Retry-After is the period of every budget', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../wrangler.jsonc'), 'utf8');
  const periods = [...text.matchAll(/"period": (\d+)/g)].map((match) => Number(match[1]));
  expect(periods).toEqual([RETRY_AFTER_S, RETRY_AFTER_S, RETRY_AFTER_S]);
});
