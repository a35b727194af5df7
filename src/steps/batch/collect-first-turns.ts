/**
 * Reads the results of a provider batch that has ended. An answer becomes the reply of attempt 1, write-once,
 * with ledger and events as if its generation had asked itself; what has no answer is settled at nothing, and
 * its generation asks the ordinary way. Results of requests that are not of this batch are passed over.
 */
import type { BatchResult } from '../../models/message-batches.ts';
import type { FirstTurnBatchRow, FirstTurnKey } from '../../store/first-turns.ts';
import { keys } from '../../store/objects.ts';
import type { SettledCall } from '../../store/spend.ts';
import { repliedData, type StoredReply, storedReply } from '../ask-model.ts';
import {
  closeTurns,
  type FirstTurn,
  type FirstTurnDeps,
  loadFirstTurns,
  loadRow,
  nothingCharged,
  orGiveUp,
} from './first-turns.ts';

export interface Collected {
  readonly answered: number;
  /** Errored, expired or cancelled at the provider; not charged. */
  readonly unanswered: number;
  /** No result, or one that cannot be read: whether they were charged is not known. */
  readonly unknown: number;
}

/** Results that are stored and settled together. */
const GROUP = 24;
const AT_ONCE = 6;

/** @throws Fault MODEL_*; what was stored before stays, and the next run goes over it again */
export async function collectFirstTurns(key: FirstTurnKey, deps: FirstTurnDeps): Promise<Collected> {
  const row = await loadRow(key, deps);
  const known = row.answered ?? 0;
  if (row.closed_at !== null || row.provider_id === null)
    return { answered: known, unanswered: 0, unknown: row.requests - known };
  const { requests } = await loadFirstTurns(key, deps);
  const collected = await orGiveUp(key, deps, () => collect(key, row, requests, deps));
  if (collected === null) return { answered: 0, unanswered: 0, unknown: row.requests };
  const { answered, unanswered, unknown } = collected;
  const reason = `${answered} answered, ${unanswered} not, ${unknown} not known`;
  await closeTurns(key, { outcome: 'collected', reason, answered }, deps);
  return collected;
}

async function collect(
  key: FirstTurnKey,
  row: FirstTurnBatchRow,
  requests: readonly FirstTurn[],
  deps: FirstTurnDeps,
): Promise<Collected> {
  const counts = { answered: 0, unanswered: 0, unknown: row.requests };
  const asked = new Map(requests.map((one) => [one.generationId, one]));
  for await (const group of groupsOf(row, new Set(asked.keys()), deps)) {
    await keep(key, row, group, asked, deps);
    for (const { kind } of group) {
      if (kind === 'unreadable') continue;
      counts.unknown -= 1;
      counts[kind === 'answered' ? 'answered' : 'unanswered'] += 1;
    }
  }
  return counts;
}

/** The first result of each request that is in `asked`. */
async function* groupsOf(
  row: FirstTurnBatchRow,
  asked: Set<string>,
  { economy }: FirstTurnDeps,
): AsyncIterable<BatchResult[]> {
  let group: BatchResult[] = [];
  for await (const result of economy.batches.results(row.provider_id ?? '', row.took_ms ?? 0)) {
    if (!asked.delete(result.customId)) continue;
    group.push(result);
    if (group.length < GROUP) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

interface Kept {
  readonly generationId: string;
  readonly answer: SettledCall;
  readonly reply: StoredReply | null;
}

async function keep(
  key: FirstTurnKey,
  row: FirstTurnBatchRow,
  results: readonly BatchResult[],
  asked: ReadonlyMap<string, FirstTurn>,
  deps: FirstTurnDeps,
): Promise<void> {
  const { spend, attempts, events, generations } = deps.store;
  const rows = await generations.findMany(
    key.orgId,
    results.map((result) => result.customId),
  );
  const kept: Kept[] = [];
  for (let start = 0; start < results.length; start += AT_ONCE) {
    const stored = results.slice(start, start + AT_ONCE).map((result) => {
      const isDeleted = rows.get(result.customId)?.deleting_at !== null;
      return keepOne(key, row, { result, turn: asked.get(result.customId), isDeleted }, deps);
    });
    kept.push(...(await Promise.all(stored)).filter((one) => one !== null));
  }
  if (kept.length === 0) return;
  const at = deps.now().toISOString();
  await spend.settleFirst(key.orgId, kept, at);
  const replied = kept.flatMap(({ generationId, reply }) =>
    reply === null ? [] : [{ generationId, reply }],
  );
  // A generation that was cancelled meanwhile has its answer in store and in the ledger, and nothing else.
  const shown = replied.filter(({ generationId }) => rows.get(generationId)?.ended_at === null);
  await attempts.startFirst(
    key.orgId,
    shown.map((one) => one.generationId),
    row.submitted_at ?? row.reserved_at,
  );
  const data = shown.map(({ generationId, reply }) => ({ generationId, data: repliedData(1, reply) }));
  await events.appendToMany(key.orgId, 'attempt:1:replied', 'replied', data, at);
}

interface Result {
  readonly result: BatchResult;
  readonly turn: FirstTurn | undefined;
  /** Its generation is: nothing of it is stored any more, but what it cost. */
  readonly isDeleted: boolean;
}

async function keepOne(
  { orgId }: FirstTurnKey,
  row: FirstTurnBatchRow,
  { result, turn, isDeleted }: Result,
  { store }: FirstTurnDeps,
): Promise<Kept | null> {
  if (turn === undefined || result.kind === 'unreadable') return null;
  const { generationId, model, promptVersion, promptSha256 } = turn;
  if (result.kind !== 'answered')
    return { generationId, answer: nothingCharged(model, `batch_${result.kind}`), reply: null };
  if (isDeleted) return { generationId, answer: result.answer, reply: null };
  const own = { call: 1, promptVersion, promptSha256 };
  const reply = { ...own, ...result.answer, providerBatchId: row.provider_id ?? '' } satisfies StoredReply;
  const { text } = await store.objects.putOnce(keys.reply(orgId, generationId, 1), JSON.stringify(reply));
  const first = storedReply.parse(JSON.parse(text));
  return { generationId, answer: first, reply: first };
}
