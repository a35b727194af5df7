/** A statement that a store has made, to be run with others: all of them happen, or none. */
export type Change = D1PreparedStatement;

/** In one transaction. For each of them whether it changed a row. */
export async function changeAll(db: D1Database, changes: readonly Change[]): Promise<boolean[]> {
  const results = await db.batch([...changes]);
  return results.map(({ meta }) => meta.changes > 0);
}

/** Runs one statement. Whether it changed a row: the answer to every change that names what it may come from. */
export async function changed(db: D1Database, sql: string, values: readonly unknown[]): Promise<boolean> {
  const { meta } = await db
    .prepare(sql)
    .bind(...values)
    .run();
  return meta.changes > 0;
}
