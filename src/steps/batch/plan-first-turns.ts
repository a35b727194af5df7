/**
 * Decides once which generations a provider batch asks for, and with which bodies. What needs a model to choose
 * its engine is left out, and so is what has ended. The decision is stored before anything is sent, so that
 * every run of the step sends the same bytes, whatever is deployed meanwhile.
 */
import { faultCode } from '../../errors.ts';
import { TASKS } from '../../models/tasks.ts';
import { engineOf } from '../../rules/classify.ts';
import { sha256Hex } from '../../rules/digest.ts';
import type { FirstTurnKey } from '../../store/first-turns.ts';
import type { GenerationRow } from '../../store/generations.ts';
import { keys } from '../../store/objects.ts';
import { conversation } from '../ask-model.ts';
import { loadRequest } from '../load-request.ts';
import { prepareGeneration } from '../prepare-generation.ts';
import {
  type FirstTurn,
  type FirstTurnDeps,
  type FirstTurns,
  firstTurnsSchema,
  MAX_FIRST_TURNS,
} from './first-turns.ts';

/** Connections that a Worker may have open at once. */
const AT_ONCE = 6;

export async function planFirstTurns(
  key: FirstTurnKey,
  generationIds: readonly string[],
  deps: FirstTurnDeps,
): Promise<FirstTurns> {
  const object = keys.firstTurns(key.orgId, key.batchId, key.n);
  const known = await deps.store.objects.get(object);
  if (known !== null) return firstTurnsSchema.parse(JSON.parse(known));
  const planned = await plan(key.orgId, generationIds, deps);
  const { text } = await deps.store.objects.putOnce(object, JSON.stringify(planned));
  return firstTurnsSchema.parse(JSON.parse(text));
}

async function plan(
  orgId: string,
  generationIds: readonly string[],
  deps: FirstTurnDeps,
): Promise<FirstTurns> {
  const considered = generationIds.slice(0, MAX_FIRST_TURNS);
  const rows = await deps.store.generations.findMany(orgId, considered);
  const requests: FirstTurn[] = [];
  const left: string[] = [];
  const { maxBytes } = deps.economy;
  let bytes = 0;
  for (let start = 0; start < considered.length; start += AT_ONCE) {
    const group = considered.slice(start, start + AT_ONCE);
    const turns = await Promise.all(group.map((id) => firstTurnOf(rows.get(id), deps)));
    for (const [index, turn] of turns.entries()) {
      const generationId = group[index] ?? '';
      const size = turn === null ? 0 : new TextEncoder().encode(JSON.stringify(turn.body)).byteLength;
      if (turn === null || size > maxBytes) left.push(generationId);
      else if (bytes + size > maxBytes) return { requests, left, rest: generationIds.slice(start + index) };
      else {
        requests.push(turn);
        bytes += size;
      }
    }
  }
  return { requests, left, rest: generationIds.slice(considered.length) };
}

/** `null` for what is asked the ordinary way; whatever is wrong with it, its own steps say. */
async function firstTurnOf(row: GenerationRow | undefined, deps: FirstTurnDeps): Promise<FirstTurn | null> {
  if (row === undefined || row.ended_at !== null) return null;
  try {
    return await turnOf(row, deps);
  } catch (error) {
    if (['STORE_MISSING', 'STORE_CONFLICT'].includes(faultCode(error))) return null;
    throw error;
  }
}

async function turnOf(row: GenerationRow, deps: FirstTurnDeps): Promise<FirstTurn | null> {
  const job = { generationId: row.id, orgId: row.org_id };
  const task = engineOf(await loadRequest(job, deps))?.engine ?? row.engine;
  if (task === null) return null;
  await prepareGeneration(job, deps);
  const turns = await conversation(job, { attempt: 1, goesOn: row.from_attempt !== null }, deps);
  const { promptVersion, system } = TASKS[task];
  return {
    generationId: row.id,
    model: row.model,
    promptVersion,
    promptSha256: await sha256Hex(system),
    body: deps.economy.batches.bodyOf(row.model, turns, task),
  };
}
