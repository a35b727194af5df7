/** Whether the generations of the organisation move, and whether the model answered the last of them. */
import type { Config } from '../env.ts';
import { priceOf } from '../models/pricing.ts';
import type { Store } from '../store/store.ts';
import { type Finding, fine, type Part } from './check.ts';

/** A step that runs shows no progress meanwhile; the longest, a model call, takes 10 minutes. */
const SILENT_MS = 15 * 60_000;
/** By then the wake sweep has tried dozens of times. */
const STUCK_MS = 60 * 60_000;
const LATELY_MS = 60 * 60_000;

export function generationsPart(store: Store, orgId: string, now: Date): Part {
  return {
    name: 'generations',
    mend: 'look at the database',
    look: async (): Promise<Finding> => {
      const oldest = await store.generations.mostSilent(orgId);
      if (oldest === null) return fine('none is running');
      const silentMs = now.getTime() - Date.parse(oldest.updated_at);
      const minutes = Math.max(0, Math.floor(silentMs / 60_000));
      const message = `${oldest.id} has been at ${oldest.step} without progress for ${minutes} min`;
      if (silentMs <= SILENT_MS) return fine('those that run move');
      const next = `the wake sweep tries it every minute: look for wake_sweep, wake_failed and ${oldest.id} in the log; "assay cancel" ends it`;
      return { state: silentMs > STUCK_MS ? 'down' : 'degraded', message, next };
    },
  };
}

/** No call is paid for this. What it says of the endpoint is what the generation that ended last saw. */
export function modelPart({ model }: Config, store: Store, orgId: string, now: Date): Part {
  return {
    name: 'model',
    mend: 'look at the database',
    look: async (): Promise<Finding> => {
      const since = new Date(now.getTime() - LATELY_MS).toISOString();
      const last = await store.generations.lastEnded(orgId, since);
      const code = last?.reason_code ?? '';
      if (last !== null && last.status === 'errored' && code.startsWith('MODEL_')) {
        const message = `${model.baseUrl} did not answer the last generation: ${code} (${last.id}, ${last.ended_at})`;
        const next = `see "assay status ${last.id}"; MODEL_UNAUTHORIZED: set ANTHROPIC_API_KEY anew`;
        return { state: 'degraded', message, next };
      }
      const price =
        priceOf(model.prices, model.id) === null ? '; it has no price, so costs are not known' : '';
      return fine(`${model.id} at ${model.baseUrl} is set${price}. It is not called for this`);
    },
  };
}
