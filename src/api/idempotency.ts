/**
 * `Idempotency-Key`: the same key with the same body gives the same generation while it, or a retry of it, is
 * alive or was signed. A dead or deleted one is never given: the next is made and linked to it. Another body is refused.
 */
import type { Context } from 'hono';
import { Fault } from '../errors.ts';
import { sha256Hex } from '../rules/digest.ts';
import { hasEnded } from '../schema/api.ts';
import { askOne } from '../store/ask.ts';
import type { GenerationRow, LineRow, NewGeneration } from '../store/generations.ts';
import { KEY_LIFE_MS } from '../store/idempotency.ts';
import type { Store } from '../store/store.ts';
import type { AppEnv } from './context.ts';

export const KEY_HEADER = 'idempotency-key';
/** Said with an answer that made nothing new. */
export const REPLAYED_HEADER = 'idempotency-replayed';

const KEY = /^[\x21-\x7e]{1,255}$/;

/** @throws Fault INVALID_IDEMPOTENCY_KEY */
export function idempotencyKeyOf(context: Context<AppEnv>): string | null {
  const key = context.req.header(KEY_HEADER);
  if (key === undefined) return null;
  if (KEY.test(key)) return key;
  throw new Fault(
    'INVALID_IDEMPOTENCY_KEY',
    'Idempotency-Key must be 1 to 255 printable ASCII characters without spaces',
  );
}

/** One use of a key, or of none: what it named already, and how to claim it. */
export interface Use {
  /** What to answer with instead of making anything. */
  readonly existing: string | null;
  /** The dead generation the next is linked to. */
  readonly dead: string | null;
  /** Inserts the row, with the key when there is one. `null` when somebody else was first: look again. */
  insert(row: NewGeneration): Promise<GenerationRow | null>;
}

/**
 * @param operation what is asked for, body included; the key stands for exactly this
 * @throws Fault IDEMPOTENCY_MISMATCH
 */
export async function useKey(
  store: Store,
  orgId: string,
  key: string | null,
  operation: string,
): Promise<Use> {
  if (key === null) return { existing: null, dead: null, insert: (row) => store.generations.insert(row) };
  const digest = await sha256Hex(operation);
  const { current, replaces } = await findKey(store, orgId, key, digest);
  const line = current === null ? [] : await askOne(store.generations.lineOf(orgId, current));
  return {
    existing: bestOf(line)?.id ?? null,
    dead: line[0]?.id ?? null,
    insert: (row) =>
      store.generations.insertClaimed(row, {
        orgId,
        key,
        digest,
        targetId: row.id,
        replaces,
        at: row.created_at,
      }),
  };
}

/**
 * What a key names: `current` while it counts, and what a new claim of it `replaces`, which may be older.
 * @param digest of what is asked for now
 * @throws Fault IDEMPOTENCY_MISMATCH
 */
export async function findKey(
  store: Store,
  orgId: string,
  key: string,
  digest: string,
): Promise<{ readonly current: string | null; readonly replaces: string | null }> {
  const known = await store.idempotency.find(orgId, key);
  if (known === null) return { current: null, replaces: null };
  const counts = Date.parse(known.created_at) > Date.now() - KEY_LIFE_MS;
  if (counts && known.digest !== digest) {
    throw new Fault('IDEMPOTENCY_MISMATCH', 'this Idempotency-Key was used for another request');
  }
  return { current: counts ? known.target_id : null, replaces: known.target_id };
}

/** Of a line, the one that is worth answering with: alive, else signed. */
function bestOf(line: readonly LineRow[]): LineRow | null {
  return aliveOf(line) ?? signedOf(line);
}

export function aliveOf(line: readonly LineRow[]): LineRow | null {
  return line.find((one) => !hasEnded(one.status)) ?? null;
}

export function signedOf(line: readonly LineRow[]): LineRow | null {
  return line.find((one) => one.status === 'signed' && one.deleting_at === null) ?? null;
}
