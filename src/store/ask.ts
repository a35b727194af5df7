/** Several reads of the database in one call: every call waits its turn, and locally costs a write to the disk too. */

/** A statement that a store has made, and what its rows say. */
export interface Question<T> {
  readonly statement: D1PreparedStatement;
  readonly answerOf: (rows: readonly unknown[]) => T;
}

export function question<Row, T>(statement: D1PreparedStatement, answerOf: (rows: Row[]) => T): Question<T> {
  return { statement, answerOf: (rows) => answerOf(rows as Row[]) };
}

/** As the database is at one moment. */
export async function askAll<T extends readonly unknown[]>(
  db: D1Database,
  questions: { readonly [N in keyof T]: Question<T[N]> },
): Promise<T> {
  const results = await db.batch(questions.map(({ statement }) => statement));
  return questions.map(({ answerOf }, n) => answerOf(results[n]?.results ?? [])) as unknown as T;
}

export async function askOne<T>({ statement, answerOf }: Question<T>): Promise<T> {
  return answerOf((await statement.all()).results);
}
