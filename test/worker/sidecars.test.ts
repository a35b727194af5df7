/** Sidecars of a published rule: by the rule's own key, over the stored bundle, the same at every call. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { SIDECAR_FORMATS, type SidecarAnswer, sidecarAnswer } from '../../src/schema/api.ts';
import { type PublicKey, parsePublicKey } from '../../src/signing/ed25519.ts';
import { keyedSidecar } from '../../src/signing/sidecars/formats.ts';
import { type Parts, partsOf } from '../../src/signing/sidecars/parts.ts';
import { receivedSidecar } from '../../src/signing/sidecars/received.ts';
import { call, run } from './client.ts';

let ruleId: string;
let parts: Parts;
let key: PublicKey;
beforeAll(async () => {
  const generation = await run('good');
  ruleId = generation.ruleId ?? '';
  const bundle = await partsOf(new TextEncoder().encode((await call(`/v1/rules/${ruleId}/bundle`)).text));
  if (!bundle.ok) throw new Error(bundle.message);
  parts = bundle;
  const { body } = await call<{ keys: { keyId: string; publicKeyPem: string }[] }>('/v1/keys');
  const pem = body.keys.find(({ keyId }) => keyId === parts.keyId)?.publicKeyPem ?? '';
  const parsed = await parsePublicKey(pem);
  if (parsed === null) throw new Error('no key');
  key = parsed;
});

const ask = (format: string, token?: string | null) =>
  call<SidecarAnswer>(`/v1/rules/${ruleId}/sidecars/${format}`, token === undefined ? {} : { token });

describe.each(SIDECAR_FORMATS)('%s', (format) => {
  test('is signed by the key of the bundle, over the bundle, and the same again', async () => {
    const first = await ask(format);
    expect(first.status).toBe(200);
    const answer = sidecarAnswer.parse(first.body);
    expect(answer).toMatchObject({ format, bundleSha256: parts.bundleSha256, keyId: parts.keyId });
    const expected =
      format === 'signify'
        ? keyedSidecar(format, parts, key)
        : await receivedSidecar(format, parts, key, answer.files);
    expect(expected?.files).toMatchObject(answer.files);
    expect(Object.keys(answer.files).length).toBe(2);
    expect((await ask(format)).text).toBe(first.text);
  });

  test('is for the organisation that made the rule', async () => {
    expect((await ask(format, inject('tokens').second)).status).toBe(404);
    expect((await ask(format, null)).status).toBe(401);
  });
});

test.each(['dsse', 'pgp', 'constructor', '%20'])('there is no format %s', async (format) => {
  expect(await ask(format)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
});

test('another method is refused, by name of the right one', async () => {
  const answer = await call(`/v1/rules/${ruleId}/sidecars/ssh`, { method: 'POST' });
  expect(answer).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
  expect(answer.headers.get('allow')).toBe('GET');
});

test('a rule of an earlier key gets no signature by the present one', async () => {
  const change = (keyId: string) =>
    env.DB.prepare('UPDATE rules SET key_id = ?2 WHERE id = ?1').bind(ruleId, keyId).run();
  await change('earlier');
  try {
    for (const format of SIDECAR_FORMATS) {
      expect(await ask(format)).toMatchObject({ status: 409, body: { code: 'KEY_RETIRED' } });
    }
  } finally {
    await change(parts.keyId);
  }
});

test('a stored bundle that this key did not sign is not signed', async () => {
  const path = `orgs/first/generations/${parts.generationId}/rule.sigstore.json`;
  const object = await env.BUCKET.get(path);
  const stored = (await object?.text()) ?? '';
  const { dsseEnvelope } = JSON.parse(stored);
  const other = btoa(atob(dsseEnvelope.payload).replace('"validated"', '"reported" '));
  expect(other).not.toBe(dsseEnvelope.payload);
  await env.BUCKET.put(path, stored.replace(dsseEnvelope.payload, other));
  try {
    for (const format of SIDECAR_FORMATS) {
      const answer = await ask(format);
      expect(answer).toMatchObject({ status: 500, body: { code: 'STORE_CONFLICT' } });
      expect(answer.text).toContain('signature_invalid');
    }
  } finally {
    await env.BUCKET.put(path, stored);
  }
});
