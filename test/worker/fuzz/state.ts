/** Everything that is stored, as text: each row of each table, each object's name and digest. */

/** To the hour, and written by reading: not a change. */
const NOTED = 'last_used_at';

export async function stateOf(db: D1Database, bucket: R2Bucket): Promise<Record<string, string[]>> {
  const { results: tables } = await db
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'")
    .all<{ name: string }>();
  const state: Record<string, string[]> = {};
  for (const { name } of tables) {
    const { results } = await db.prepare(`SELECT * FROM "${name}"`).all();
    state[name] = results.map((row) => JSON.stringify({ ...row, [NOTED]: null })).sort();
  }
  state.objects = await objectsOf(bucket);
  return state;
}

async function objectsOf(bucket: R2Bucket): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list(cursor === undefined ? {} : { cursor });
    found.push(...page.objects.map(({ key, etag, size }) => `${key} ${size} ${etag}`));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return found.sort();
}
