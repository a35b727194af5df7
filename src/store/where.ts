/** The conditions of a list, built from what was asked for. Values are always bound, never written into the text. */

export class Where {
  readonly #parts: string[] = [];
  readonly #values: unknown[] = [];

  /** @param sql with one `?` for each value */
  and(sql: string, ...values: readonly unknown[]): this {
    this.#parts.push(`(${sql})`);
    this.#values.push(...values);
    return this;
  }

  /** The same, when there is a value. */
  equals(column: string, value: string | undefined): this {
    return value === undefined ? this : this.and(`${column} = ?`, value);
  }

  get sql(): string {
    return this.#parts.join(' AND ');
  }

  get values(): readonly unknown[] {
    return this.#values;
  }
}

/** Text of a query and what is bound to it. */
export interface Query {
  readonly sql: string;
  readonly values: readonly unknown[];
}
