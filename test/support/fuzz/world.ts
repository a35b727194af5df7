/**
 * Two organisations with everything the API makes: rules that are signed, generations that failed, retries, keys
 * and tokens. The first is whose tokens the hostile requests have; every text of the second holds a canary.
 */
import { type Generation, hasEnded } from '../../../src/schema/api.ts';
import { request } from '../rule.ts';
import type { Ids } from './targets.ts';

/** What is known of the two organisations: the one that asks, and the one it may learn nothing of. */
export interface World {
  readonly ids: Ids;
  readonly tokens: { readonly admin: string; readonly read: string };
  /** Texts of the other organisation that no answer may hold. */
  readonly secrets: readonly string[];
  /** Bodies that fit, by `method path`; other routes get one made from their schema. */
  readonly bodies: Readonly<Record<string, unknown>>;
}

/** One well-formed call; its answer, parsed where it is JSON. */
export type Ask = (
  method: string,
  path: string,
  token: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<{ readonly status: number; readonly body: unknown }>;

interface Seeded {
  readonly ids: readonly string[];
  readonly readToken: string;
  readonly secrets: readonly string[];
}

const MOST_LOOKS = 900;
const ID = /"id":"([^"]+)"/g;
const LISTS = ['generations', 'rules', 'tokens', 'webhooks/secrets', 'owners', 'deliveries', 'batches'];

/** @param tokens of the configuration, of two organisations that have nothing yet */
export async function makeWorld(ask: Ask, tokens: { first: string; second: string }): Promise<World> {
  const [first, second] = await Promise.all([
    seed(ask, tokens.first, 'first'),
    seed(ask, tokens.second, `CANARY${crypto.randomUUID()}`),
  ]);
  const keys = (await ask('GET', '/v1/keys', tokens.first)).body as {
    roots: unknown[];
    revocations: unknown;
  };
  const bodies =
    keys.revocations === null
      ? {}
      : { 'put /v1/keys/trust': { roots: keys.roots, revocations: keys.revocations } };
  return {
    ids: { own: first.ids, foreign: second.ids },
    tokens: { admin: tokens.first, read: first.readToken },
    secrets: second.secrets,
    bodies,
  };
}

async function seed(ask: Ask, token: string, mark: string): Promise<Seeded> {
  const signed = await generate(ask, token, mark, 'good');
  const failed = await generate(ask, token, mark, 'refusal');
  const retry = await must<Generation>(ask, 'POST', `/v1/generations/${failed.id}/retry`, token, {
    guidance: mark,
  });
  await untilEnded(ask, token, retry.id);
  const made = await must<{ token: string }>(ask, 'POST', '/v1/tokens', token, {
    name: mark,
    scopes: ['read'],
  });
  await must(ask, 'POST', '/v1/tokens', token, { name: `${mark} spare`, scopes: ['admin'] });
  await makeBatch(ask, token, mark);
  await must(ask, 'POST', '/v1/webhooks/secrets', token);
  await must(ask, 'POST', '/v1/owners', token, { owner: `${mark}-owner`.toLowerCase(), name: mark });
  const lists = await Promise.all(LISTS.map((name) => must(ask, 'GET', `/v1/${name}`, token)));
  const bundle = await must<{ dsseEnvelope: { signatures: { sig: string }[] } }>(
    ask,
    'GET',
    `/v1/rules/${signed.ruleId}/bundle`,
    token,
  );
  const { sig } = bundle.dsseEnvelope.signatures[0] ?? {};
  if (sig === undefined) throw new Error('the rule is not signed');
  const ids = new Set([...JSON.stringify(lists).matchAll(ID)].map((match) => match[1] ?? ''));
  // The first reading of a generation in the other dialect gives it its name there, for good.
  for (const id of ids) if (id.startsWith('gen-')) await must(ask, 'GET', `/cli/api/rule/${id}`, token);
  return { ids: [...ids], readToken: made.token, secrets: [mark, made.token, sig] };
}

async function generate(ask: Ask, token: string, mark: string, script: string): Promise<Generation> {
  const cases = request.cases.map((one) => ({ ...one, files: { ...one.files, 'canary.txt': mark } }));
  const body = { ...request, cases, prompt: `No eval anywhere [[${script}]] ${mark}` };
  const key = { 'idempotency-key': `${mark}-${script}` };
  const { id } = await must<Generation>(ask, 'POST', '/v1/generations', token, body, key);
  return untilEnded(ask, token, id);
}

async function makeBatch(ask: Ask, token: string, mark: string): Promise<void> {
  const one = { ...request, prompt: `No eval anywhere [[refusal]] ${mark}` };
  const body = { mode: 'regenerate', name: mark, requests: [one] };
  const { id } = await must<{ id: string }>(ask, 'POST', '/v1/batches', token, body);
  for (let tries = 0; tries < MOST_LOOKS; tries += 1) {
    const { status } = await must<{ status: string }>(ask, 'GET', `/v1/batches/${id}`, token);
    if (status === 'done') return;
    await pause();
  }
  throw new Error(`batch ${id} did not end`);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

async function untilEnded(ask: Ask, token: string, id: string): Promise<Generation> {
  for (let tries = 0; tries < MOST_LOOKS; tries += 1) {
    const one = await must<Generation>(ask, 'GET', `/v1/generations/${id}`, token);
    if (hasEnded(one.status)) return one;
    await pause();
  }
  throw new Error(`generation ${id} did not end`);
}

async function must<T>(ask: Ask, ...call: Parameters<Ask>): Promise<T> {
  const { status, body } = await ask(...call);
  if (status >= 400) throw new Error(`${call[0]} ${call[1]} answers ${status}: ${JSON.stringify(body)}`);
  return body as T;
}
