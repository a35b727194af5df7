/** In which order tables can be emptied. Pure. */

export interface Table {
  readonly name: string;
  /** Its `CREATE TABLE`, as the database keeps it. */
  readonly sql: string;
}

/** Each table after every one that refers to it. Those that refer to one another in a circle come last. */
export function referringFirst(tables: readonly Table[]): string[] {
  const left = new Map(tables.map(({ name, sql }) => [name, referredTo(sql).filter((one) => one !== name)]));
  const order: string[] = [];
  while (left.size > 0) {
    const referred = new Set([...left.values()].flat());
    const free = [...left.keys()].filter((name) => !referred.has(name));
    for (const name of free.length === 0 ? [...left.keys()] : free) {
      order.push(name);
      left.delete(name);
    }
  }
  return order;
}

function referredTo(sql: string): string[] {
  return [...sql.matchAll(/\bREFERENCES\s+["'`[]?(\w+)/gi)].map((match) => match[1] ?? '');
}
