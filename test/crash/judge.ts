/**
 * Judges a whole run by what is on disk afterwards: every generation ended as it had to, with exactly one
 * signature or none, its events in order and once each, its answers paid for once, its log whole. Returns what is
 * wrong, in sentences.
 */
import { createHash } from 'node:crypto';
import type { GenerationEvent } from '../../src/schema/api.ts';
import { type LogKey, openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { verifyProof } from '../../src/tlog/proof.ts';
import { openTree } from '../../src/tlog/tile-reader.ts';
import { tilePath } from '../../src/tlog/tiles.ts';
import { rootHash } from '../../src/tlog/tree.ts';
import type { Lane } from './lane.ts';
import type { PaidCall } from './model.ts';
import type { Played } from './play.ts';
import type { Webhook } from './receiver.ts';
import { openStorage, type Storage } from './storage.ts';

export interface Run {
  readonly lane: Lane;
  readonly played: readonly Played[];
  readonly paid: readonly PaidCall[];
  /** Those that arrived. */
  readonly webhooks: readonly Webhook[];
  /** Checkpoints as they were served over time. */
  readonly checkpoints: readonly string[];
  readonly logKey: LogKey;
}

type Say = (problem: string) => void;

export async function judgeRun(run: Run): Promise<string[]> {
  const problems: string[] = [];
  const storage = openStorage(run.lane.stateDirectory);
  try {
    judgeTotals(storage, run, (problem) => problems.push(problem));
    for (const one of run.played) {
      const say = (problem: string) => problems.push(`${one.id} (${one.scenario}): ${problem}`);
      judgeEnd(storage, one, say);
      judgeEvents(storage, one, say);
      judgeSpend(storage, one, run, say);
      judgeWebhook(storage, one, run.webhooks, say);
      await judgeSignature(storage, one, run.logKey, say);
    }
    await judgeLog(storage, run, (problem) => problems.push(problem));
  } finally {
    storage.close();
  }
  return problems;
}

/** Nothing is there that nobody asked for, and nothing is left open. */
function judgeTotals(storage: Storage, { played }: Run, say: Say): void {
  const known = new Set(played.map((one) => one.id));
  for (const { id, ended_at } of storage.rows<{ id: string; ended_at: string | null }>(
    'SELECT id, ended_at FROM generations',
  )) {
    if (!known.has(id)) say(`${id} was made twice: nobody was told of it`);
    if (ended_at === null) say(`${id} never ended`);
  }
  for (const { table } of [
    { table: 'rules' },
    { table: 'events' },
    { table: 'spend' },
    { table: 'attempts' },
  ]) {
    for (const { id } of storage.rows<{ id: string }>(`SELECT DISTINCT generation_id AS id FROM ${table}`))
      if (!known.has(id)) say(`${table} has rows of ${id}, which there is not`);
  }
  const batches = storage.rows<{ id: string; status: string }>(
    "SELECT id, status FROM batches WHERE status <> 'done'",
  );
  for (const { id, status } of batches) say(`${id} is ${status}`);
  const open = storage.rows<{ generation_id: string }>(
    'SELECT generation_id FROM attempts WHERE ended_at IS NULL',
  );
  for (const { generation_id } of open) say(`${generation_id} has an attempt that never ended`);
}

function statusOf(storage: Storage, id: string): string {
  return storage.rows<{ status: string }>('SELECT status FROM generations WHERE id = ?', id)[0]?.status ?? '';
}

function judgeEnd(storage: Storage, { id, expected, cancelled }: Played, say: Say): void {
  const status = statusOf(storage, id);
  if (status !== expected.status && !(cancelled && status === 'signed'))
    say(`is ${status}, expected ${expected.status}`);
}

function judgeEvents(storage: Storage, { id, expected, streamed }: Played, say: Say): void {
  const stored = storage.rows<Pick<GenerationEvent, 'seq' | 'type'>>(
    'SELECT seq, type FROM events WHERE generation_id = ? ORDER BY seq',
    id,
  );
  const types = stored.map((event) => event.type);
  const wanted = statusOf(storage, id) === 'cancelled' ? cutShort(types, expected.events) : expected.events;
  if (types.join() !== wanted.join()) say(`has the events ${types.join()}, expected ${wanted.join()}`);
  const seen = streamed.map((event) => event.seq);
  if (seen.join() !== stored.map((event) => event.seq).join())
    say(`its stream had the ids ${seen.join()}, stored are ${stored.map((event) => event.seq).join()}`);
}

/** What a cancelled generation has: a beginning of the whole, then its end, after which nothing comes. */
function cutShort(types: readonly string[], whole: readonly string[]): string[] {
  return [...whole.slice(0, types.length - 1), 'ended'];
}

function judgeSpend(storage: Storage, one: Played, { lane, paid }: Run, say: Say): void {
  // What the provider did not answer in a batch of its own is settled at nothing, and asked for once more.
  const rows = storage.rows<{ attempt: number; settled_at: string | null }>(
    "SELECT attempt, settled_at FROM spend WHERE generation_id = ? AND COALESCE(stop_reason, '') NOT GLOB 'batch_*'",
    one.id,
  );
  const complete = statusOf(storage, one.id) === one.expected.status && !one.cancelled;
  for (const attempt of one.expected.paid) {
    const calls = paid.filter((call) => call.marker === one.marker && call.attempt === attempt);
    const ledger = rows.filter((row) => row.attempt === attempt);
    const settled = ledger.filter((row) => row.settled_at !== null).length;
    if (ledger.length < calls.length)
      say(`attempt ${attempt} was paid for ${calls.length} times, ${ledger.length} in the ledger`);
    if (complete ? settled !== 1 : settled > 1) say(`attempt ${attempt} is settled ${settled} times`);
    const recordedMs = recordedAt(lane, one.id, attempt);
    const late = calls.filter((call) => recordedMs !== null && call.atMs > recordedMs);
    if (late.length > 0) say(`attempt ${attempt} was paid for again although its answer was recorded`);
  }
  const strange = paid.filter(
    (call) => call.marker === one.marker && !one.expected.paid.includes(call.attempt),
  );
  if (strange.length > 0) say(`the model was asked for attempt ${strange[0]?.attempt}, which is not its`);
}

/** When the suite was told that an answer is stored. */
function recordedAt(lane: Lane, id: string, attempt: number): number | null {
  const step = attempt === 0 ? 'classify' : `generate ${attempt}`;
  const found = lane.reached.find(
    ({ instance, point }) =>
      instance === id &&
      (point.startsWith(`${step} |`) || point.startsWith(`${step} again |`)) &&
      /after r2 put (?:attempts\/#\/reply|classification)\.json/.test(point),
  );
  return found?.atMs ?? null;
}

/** At least once, always with the same bytes, and noted. */
function judgeWebhook(storage: Storage, { id, told }: Played, webhooks: readonly Webhook[], say: Say): void {
  const delivery = id.replace(/^gen-/, 'dlv-');
  const rows = storage.rows<{ status: string; body: string }>(
    'SELECT status, body FROM deliveries WHERE id = ?',
    delivery,
  );
  const arrived = webhooks.filter((webhook) => webhook.id === delivery);
  if (!told) {
    if (rows.length > 0 || arrived.length > 0) say('was told, and nobody asked for it');
    return;
  }
  if (rows[0]?.status !== 'delivered') say(`its webhook is ${rows[0]?.status ?? 'not there'}`);
  if (arrived.length === 0) say('its webhook never arrived');
  if (arrived.some(({ body }) => body !== rows[0]?.body)) say('its webhook arrived with other bytes');
}

async function judgeSignature(storage: Storage, { id }: Played, logKey: LogKey, say: Say): Promise<void> {
  const rules = storage.rows<{ bundle_sha256: string }>(
    'SELECT bundle_sha256 FROM rules WHERE generation_id = ?',
    id,
  );
  const base = `orgs/local/generations/${id}`;
  const bundle = storage.object(`${base}/rule.sigstore.json`);
  if (statusOf(storage, id) !== 'signed') {
    if (rules.length > 0) say('has a rule, and is not signed');
    return;
  }
  if (rules.length !== 1 || bundle === null)
    return say(`has ${rules.length} rules, bundle: ${bundle !== null}`);
  if (sha256(bundle) !== rules[0]?.bundle_sha256) say('its rule names another bundle than the stored one');
  const { payload } = (JSON.parse(text(bundle)) as { dsseEnvelope: { payload: string } }).dsseEnvelope;
  const statement = storage.object(`${base}/statement.json`) ?? new Uint8Array();
  if (Buffer.from(payload, 'base64').compare(statement) !== 0) say('its bundle has another statement');
  const proof = storage.object(`${base}/rule.tlog-proof`) ?? new Uint8Array();
  const proved = await verifyProof(proof, sha256(bundle), logKey);
  if (!proved.ok) say(`its proof does not hold: ${proved.message}`);
}

/** Each bundle is in the log once, nothing else is, and every checkpoint that was ever served is in its history. */
async function judgeLog(storage: Storage, { checkpoints, logKey }: Run, say: Say): Promise<void> {
  const bundles = new Set(
    storage
      .keys('orgs/')
      .filter((key) => key.endsWith('/rule.sigstore.json'))
      .map((key) => sha256(storage.object(key) ?? new Uint8Array())),
  );
  const logged = storage.keys('log/index/').map((key) => key.slice('log/index/'.length));
  for (const digest of logged)
    if (!bundles.has(digest)) say(`the log has ${digest}, which is no stored bundle`);
  const checkpoint = storage.object('log/checkpoint');
  // Nothing was ever signed here.
  if (checkpoint === null && bundles.size === 0) return;
  const opened = await openCheckpoint(checkpoint ?? new Uint8Array(), logKey);
  if (!opened.ok) return say(`the checkpoint does not open: ${opened.message}`);
  const { size } = opened.head;
  if (size > logged.length) say(`the log has ${size} entries for ${logged.length} bundles`);
  const read = await openTree(opened.head, async (tile) => storage.object(`log/${tilePath(tile)}`));
  for (const note of checkpoints) {
    const old = await openCheckpoint(new TextEncoder().encode(note), logKey);
    if (!old.ok) say(`a checkpoint that was served does not open: ${old.message}`);
    else if (old.head.size > size) say('the log shrank');
    else if (Buffer.compare(await rootHash(old.head.size, read), old.head.root) !== 0)
      say(`the log of size ${old.head.size} is no part of the last one`);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
