/** Runs one statement. Whether it changed a row: the answer to every change that names what it may come from. */
export async function changed(db: D1Database, sql: string, values: readonly unknown[]): Promise<boolean> {
  const { meta } = await db
    .prepare(sql)
    .bind(...values)
    .run();
  return meta.changes > 0;
}
