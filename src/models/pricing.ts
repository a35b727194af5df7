/** What a call cost. A price nobody configured is unknown, which is `null` and never a guess. */
import { z } from 'zod';
import type { ModelUsage } from './model.ts';

const price = z.strictObject({
  inputUsdPerMTok: z.number().nonnegative(),
  outputUsdPerMTok: z.number().nonnegative(),
  cacheWriteUsdPerMTok: z.number().nonnegative(),
  cacheReadUsdPerMTok: z.number().nonnegative(),
  /** What of these prices a call in a message batch costs; `BATCH_PRICE_FACTOR` when absent. */
  batchFactor: z.number().min(0).max(1).optional(),
});

/** The Message Batches API charges half, of cached tokens too. */
export const BATCH_PRICE_FACTOR = 0.5;

/** Prices by model id; a dated version `<id>-<yyyymmdd>` takes the price of `<id>`. */
export const priceTable = z.record(z.string().min(1), price);
export type PriceTable = z.infer<typeof priceTable>;

export function priceOf(table: PriceTable, model: string): z.infer<typeof price> | null {
  const exact = table[model];
  if (exact !== undefined) return exact;
  // No looser match than the date: a longer name could be a different, dearer model.
  const undated = /^(.+)-\d{8}$/.exec(model)?.[1];
  return undated === undefined ? null : (table[undated] ?? null);
}

/** How a call was made: alone, or as a request of a message batch. */
export type CallKind = 'single' | 'batch';

export function costUsd(
  table: PriceTable,
  model: string,
  usage: ModelUsage,
  kind: CallKind = 'single',
): number | null {
  const rates = priceOf(table, model);
  if (rates === null) return null;
  const micros =
    usage.inputTokens * rates.inputUsdPerMTok +
    usage.outputTokens * rates.outputUsdPerMTok +
    usage.cacheWriteTokens * rates.cacheWriteUsdPerMTok +
    usage.cacheReadTokens * rates.cacheReadUsdPerMTok;
  const factor = kind === 'batch' ? (rates.batchFactor ?? BATCH_PRICE_FACTOR) : 1;
  return (micros * factor) / 1_000_000;
}
