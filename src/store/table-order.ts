/** In which order tables can be emptied, and by which key. Pure. */

export interface Table {
  readonly name: string;
  /** Its `CREATE TABLE`, as the database keeps it. */
  readonly sql: string;
}

/** Each table after every one that refers to it. Those that refer to one another in a circle come last. */
export function referringFirst(tables: readonly Table[]): Table[] {
  const left = new Map(tables.map(({ name, sql }) => [name, referredTo(sql).filter((one) => one !== name)]));
  const order: Table[] = [];
  while (left.size > 0) {
    const referred = new Set([...left.values()].flat());
    const free = [...left.keys()].filter((name) => !referred.has(name));
    for (const name of free.length === 0 ? [...left.keys()] : free) {
      order.push(...tables.filter((one) => one.name === name));
      left.delete(name);
    }
  }
  return order;
}

/** What names one row: its primary key where it has no rowid. */
export function rowKeyOf({ name, sql }: Table): string {
  if (!/\bWITHOUT\s+ROWID\b/i.test(sql)) return 'rowid';
  const columns = /\bPRIMARY\s+KEY\s*\(([^)]+)\)/i.exec(sql)?.[1];
  const only = /["'`[]?(\w+)["'`\]]?\s+\w+(?:\s+NOT\s+NULL)?\s+PRIMARY\s+KEY/i.exec(sql)?.[1];
  const key = columns ?? only;
  if (key === undefined)
    throw new Error(`table ${name} has neither a rowid nor a primary key that is understood`);
  return `(${key})`;
}

function referredTo(sql: string): string[] {
  return [...sql.matchAll(/\bREFERENCES\s+["'`[]?(\w+)/gi)].map((match) => match[1] ?? '');
}
