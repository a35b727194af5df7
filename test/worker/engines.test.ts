/** Requests for both engines through the real workflow, host and store: who decides, what is paid, what is signed. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import type { GenerationEvent } from '../../src/schema/api.ts';
import type { Statement } from '../../src/schema/statement.ts';
import { parsePublicKey } from '../../src/signing/ed25519.ts';
import { onlySigner } from '../../src/signing/signers.ts';
import { verifyRule } from '../../src/signing/verify.ts';
import { keys } from '../../src/store/objects.ts';
import { request } from '../support/rule.ts';
import { call, run } from './client.ts';

async function eventsOf(id: string): Promise<GenerationEvent[]> {
  const { body } = await call<{ events: GenerationEvent[] }>(`/v1/generations/${id}/events`);
  return body.events;
}

async function classified(id: string): Promise<GenerationEvent['data'] | undefined> {
  const found = (await eventsOf(id)).filter((event) => event.type === 'classified');
  expect(found).toHaveLength(1);
  return found[0]?.data;
}

async function statementOf(id: string): Promise<Statement> {
  const object = await env.BUCKET.get(keys.statement('first', id));
  return JSON.parse((await object?.text()) ?? '') as Statement;
}

describe('an sg rule', () => {
  test('is generated, verified on its own cases, and signed with everything in its directory', async () => {
    const generation = await run('sggood', { engine: 'sg', severity: 'warning' });
    expect(generation).toMatchObject({
      status: 'signed',
      engine: 'sg',
      engineReason: 'the request asks for it',
      cases: { total: 2, passed: 2 },
      spend: { calls: 1 },
    });
    const { body } = await call<{ files: Record<string, string> }>(`/v1/rules/${generation.ruleId}`);
    expect(
      Object.keys(body.files)
        .filter((path) => !path.startsWith('rule.'))
        .sort(),
    ).toEqual([
      '.tests/invalid/evaluates/a.ts',
      '.tests/no-eval-cases-test.yml',
      '.tests/valid/parses-json/a.ts',
      'no-eval.yml',
    ]);
    expect(body.files['no-eval.yml']).toContain('severity: warning');

    const { predicate } = await statementOf(generation.id);
    expect(predicate.rule).toMatchObject({ engine: 'sg', severity: 'warning', message: 'eval is used' });
    expect(predicate.model.promptVersion).toBe('sg-1');
    const served = await call<{ keys: { publicKeyPem: string }[] }>('/v1/keys', { token: null });
    const key = await parsePublicKey(served.body.keys[0]?.publicKeyPem ?? '');
    if (key === null) throw new Error('no key');
    const encoder = new TextEncoder();
    const bytes = new Map(Object.entries(body.files).map(([path, text]) => [path, encoder.encode(text)]));
    const bundle = bytes.get('rule.sigstore.json') ?? new Uint8Array();
    for (const path of ['rule.sigstore.json', 'rule.tlog-proof']) bytes.delete(path);
    expect(await verifyRule(bundle, onlySigner(key), bytes)).toMatchObject({ ok: true });
    bytes.set('no-eval.yml', encoder.encode(body.files['no-eval.yml']?.replace('warning', 'info') ?? ''));
    expect(await verifyRule(bundle, onlySigner(key), bytes)).toMatchObject({ reason: 'file_changed' });
  });

  test('that matches nothing is fed back with the syntax tree, and put right', async () => {
    const generation = await run('sgmisses, sggood', { engine: 'sg' });
    expect(generation).toMatchObject({ status: 'signed', attempt: 2 });
    const feedback = await (await env.BUCKET.get(keys.feedback('first', generation.id, 1)))?.text();
    expect(feedback).toContain('the rule matched nothing');
    expect(feedback).toContain('call_expression 1:1');
  });

  test('is refused before any test where the Taskless client would refuse it', async () => {
    const generation = await run('sgregex, sggood', { engine: 'sg' });
    expect(generation).toMatchObject({ status: 'signed', attempt: 2 });
    const feedback = await (await env.BUCKET.get(keys.feedback('first', generation.id, 1)))?.text();
    expect(feedback).toContain('has a regex without a kind beside it');
  });

  test('that no pattern can be is declined', async () => {
    expect(await run('sgdeclined', { engine: 'sg' })).toMatchObject({
      status: 'failed',
      reason: { code: 'MODEL_DECLINED', message: expect.stringContaining('files have to be compared') },
    });
  });
});

describe('auto', () => {
  test.each([
    ['sggood', 'sg'],
    ['good', 'runtime'],
  ])('asks the model once where the request leaves it open: %s', async (script, engine) => {
    const generation = await run(script, { engine: 'auto' });
    expect(generation).toMatchObject({
      status: 'signed',
      engine,
      engineReason: `the model says: it looks like ${engine}`,
      attempt: 1,
      spend: { calls: 2, unanswered: 0 },
    });
    expect(generation.attempts).toHaveLength(1);
    expect(await classified(generation.id)).toMatchObject({ engine, askedModel: true });
    expect((await statementOf(generation.id)).predicate.rule.engine).toBe(engine);
  });

  test('asks nobody where the cases show it', async () => {
    const { cases } = request;
    const more = { name: 'two files', kind: 'valid', files: { 'a.ts': 'a;\n', 'b.ts': 'b;\n' } } as const;
    const generation = await run('good', { engine: 'auto', cases: [...cases, more] });
    expect(generation).toMatchObject({ status: 'signed', engine: 'runtime', spend: { calls: 1 } });
    expect(await classified(generation.id)).toMatchObject({ askedModel: false, costUsd: 0 });
    expect(await env.BUCKET.head(keys.classification('first', generation.id))).toBeNull();
  });

  test('means runtime when the answer cannot be read', async () => {
    const generation = await run('unclear, good', { engine: 'auto' });
    expect(generation).toMatchObject({ status: 'signed', engine: 'runtime', spend: { calls: 2 } });
    expect(generation.engineReason).toMatch(/no readable answer/);
  });

  test('is told in lists, and named engines and none are not asked about', async () => {
    const none = await run('good');
    expect(none).toMatchObject({ engine: 'runtime', spend: { calls: 1 } });
    const { body } = await call<{ generations: { id: string; engine: string }[] }>(
      '/v1/generations?limit=100',
    );
    expect(body.generations.find((one) => one.id === none.id)?.engine).toBe('runtime');
  });
});
