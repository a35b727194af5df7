/** Pages: every list goes on strictly after the last id of the page before, so nothing repeats or shifts. */
import { z } from 'zod';

export const PAGE_LIMIT = 100;

/** The two parameters every list has. */
export function pageQuery(prefix: 'batch' | 'dlv' | 'gen' | 'rule' | 'tok' | 'whs') {
  return {
    cursor: z
      .string()
      .regex(new RegExp(`^${prefix}-[0-9a-z]{26}${prefix === 'dlv' ? '(?:-[0-9]{1,9})?' : ''}$`))
      .optional()
      .describe('nextCursor of the page before'),
    limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(50).describe('rows of one page'),
  };
}

export function nextCursor(rows: readonly { readonly id: string }[], limit: number): string | null {
  return rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
}
