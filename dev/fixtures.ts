/** The example requests of fixtures/rules, by folder name. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RuleRequest, requestSchema } from '../src/schema/request.ts';

export async function readRequests(fixtures: string): Promise<{ id: string; request: RuleRequest }[]> {
  const rules = join(fixtures, 'rules');
  const ids = (await readdir(rules)).sort();
  return Promise.all(
    ids.map(async (id) => {
      const text = await readFile(join(rules, id, 'request.json'), 'utf8');
      return { id, request: requestSchema.parse(JSON.parse(text)) };
    }),
  );
}
