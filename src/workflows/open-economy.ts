/** Makes what economy mode asks its first turns with, from the checked configuration. */
import type { Config } from '../env.ts';
import { AnthropicBatches } from '../models/message-batches.ts';
import { type Economy, MAX_FIRST_TURN_BYTES } from '../steps/batch/first-turns.ts';

export function openEconomy({ model, economy }: Pick<Config, 'model' | 'economy'>): Economy {
  return { batches: new AnthropicBatches(model), ...economy, maxBytes: MAX_FIRST_TURN_BYTES };
}
