import { introspectWorkflow } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { PROOF_FILE } from '../../src/rules/layout.ts';
import type { GenerationDetail, GenerationEvent } from '../../src/schema/api.ts';
import type { RuleCase } from '../../src/schema/request.ts';
import { parsePublicKey } from '../../src/signing/ed25519.ts';
import { onlySigner } from '../../src/signing/signers.ts';
import { verifyRule } from '../../src/signing/verify.ts';
import { keys } from '../../src/store/objects.ts';
import { parseVkey } from '../../src/tlog/note.ts';
import { verifyProof } from '../../src/tlog/proof.ts';
import { call, create, run, untilEnded } from './client.ts';

const events = async (id: string) =>
  (await call<{ events: GenerationEvent[] }>(`/v1/generations/${id}/events`)).body.events;

describe('a request becomes a signed rule', () => {
  test('at the first reply', async () => {
    const generation = await run('good');
    expect(generation).toMatchObject({
      status: 'signed',
      reason: { code: 'SIGNED', message: 'all 2 cases pass on attempt 1 of 5' },
      attempt: 1,
      cases: { total: 2, passed: 2 },
      spend: { calls: 1 },
    });
    expect(generation.attempts).toMatchObject([
      { n: 1, verdict: 'accepted', casesPassed: 2, size: { captures: 1 } },
    ]);
    expect(generation.spend.costUsd).toBeGreaterThan(0);
    expect((await events(generation.id)).map((event) => event.type)).toEqual([
      'started',
      'classified',
      'model_called',
      'replied',
      'inspected',
      'verified',
      'judged',
      'ended',
    ]);
  });

  test('which the public key verifies, every file of it', async () => {
    const { ruleId } = await run('good');
    const { body } = await call<{ files: Record<string, string> }>(`/v1/rules/${ruleId}`);
    const served = await call<{ keys: { publicKeyPem: string }[] }>('/v1/keys', { token: null });
    const key = await parsePublicKey(served.body.keys[0]?.publicKeyPem ?? '');
    if (key === null) throw new Error('no key');
    const files = new Map(
      Object.entries(body.files).map(([path, text]) => [path, new TextEncoder().encode(text)]),
    );
    const bundle = files.get('rule.sigstore.json') ?? new Uint8Array();
    files.delete('rule.sigstore.json');
    const proof = files.get(PROOF_FILE) ?? new Uint8Array();
    files.delete(PROOF_FILE);
    expect([...files.keys()].sort()).toEqual([
      '.tests/invalid/evaluates/a.ts',
      '.tests/valid/parses-json/a.ts',
      'captures/call.yml',
      'check.ts',
    ]);
    const verified = await verifyRule(bundle, onlySigner(key), files);
    expect(verified).toMatchObject({ ok: true, statement: { predicate: { sandbox: { kind: 'host' } } } });
    const { body: raw } = await call(`/v1/rules/${ruleId}/bundle`);
    expect(raw).toEqual(JSON.parse(body.files['rule.sigstore.json'] ?? ''));

    const vkey = await parseVkey((await call('/log/key', { token: null })).text);
    if (vkey === null || !verified.ok) throw new Error('no log key');
    const logged = await verifyProof(proof, verified.bundleSha256, { origin: vkey.name, key: vkey.key });
    expect(logged).toMatchObject({ ok: true });
    expect((await call(`/v1/rules/${ruleId}/proof`)).text).toBe(new TextDecoder().decode(proof));
  });

  test.each([
    ['silent', 'missing: the check got 1 match and returned no finding'],
    ['misses', 'missing: no capture matched, so the check never ran'],
    ['noisy', 'noisy: expected no finding, got a.ts:1'],
    ['throws', 'error: TypeError: no such thing (check.ts:1)'],
    ['endless', 'error: the check did not end in time'],
  ])('after a first reply that is %s, with the reason fed back', async (mistake, reason) => {
    const generation = await run(`${mistake}, good`, { limits: { caseTimeoutMs: 1_000 } });
    expect(generation).toMatchObject({ status: 'signed', attempt: 2, spend: { calls: 2 } });
    const feedback = await env.BUCKET.get(keys.feedback('first', generation.id, 1));
    expect(await feedback?.text()).toContain(reason);
  });

  test('after a capture that misses, the feedback shows the syntax tree', async () => {
    const generation = await run('misses, good');
    const feedback = await (await env.BUCKET.get(keys.feedback('first', generation.id, 1)))?.text();
    expect(feedback).toContain('Syntax tree of a.ts (typescript)');
    expect(feedback).toContain('call_expression');
  });

  test.each(['prose', 'truncated', 'imports'])(
    'after a first reply that inspection refuses: %s',
    async (mistake) => {
      const generation = await run(`${mistake}, good`);
      expect(generation).toMatchObject({ status: 'signed', attempt: 2 });
      expect(generation.attempts[0]).toMatchObject({ verdict: 'rejected', cases: [] });
    },
  );

  test('from an endpoint that wraps its JSON in prose', async () => {
    expect(await run('fenced')).toMatchObject({ status: 'signed', attempt: 1 });
  });
});

describe('a generation that cannot succeed ends with a reason', () => {
  test('attempts spent; the last report is kept', async () => {
    const generation = await run('silent', { limits: { attempts: 2 } });
    expect(generation).toMatchObject({
      status: 'failed',
      reason: { code: 'ATTEMPTS_SPENT' },
      attempt: 2,
      ruleId: null,
    });
    expect(generation.reason?.message).toContain('no rule passed in 2 attempts');
    expect(generation.attempts[1]?.cases).toContainEqual(
      expect.objectContaining({ name: 'evaluates', status: 'missing' }),
    );
    expect(await env.BUCKET.head(keys.report('first', generation.id, 2))).not.toBeNull();
    expect(await env.BUCKET.head(keys.bundle('first', generation.id))).toBeNull();
  });

  test('the cost limit reached', async () => {
    const generation = await run('silent', { limits: { costUsd: 0.000001 } });
    expect(generation).toMatchObject({ status: 'failed', reason: { code: 'BUDGET_SPENT' }, attempt: 1 });
  });

  test('a cost limit that cannot be kept, because what answered has no price', async () => {
    const generation = await run('unpriced', { limits: { costUsd: 1 } });
    expect(generation).toMatchObject({ status: 'failed', reason: { code: 'COST_UNKNOWN' }, attempt: 1 });
    expect(generation.spend.costUsd).toBeNull();
  });

  test.each([
    ['refusal', 'MODEL_REFUSED'],
    ['declined', 'MODEL_DECLINED'],
  ])('the model gives up: %s', async (word, code) => {
    expect(await run(word)).toMatchObject({ status: 'failed', reason: { code }, attempt: 1 });
  });

  test('the model endpoint refuses our key: not retried, and said so', async () => {
    const generation = await run('badkey');
    expect(generation).toMatchObject({ status: 'errored', reason: { code: 'MODEL_UNAUTHORIZED' } });
    expect(generation.reason?.message).toContain('Nothing was signed');
  });
});

describe('faults on our side', () => {
  test('an overloaded model is asked again', async () => {
    await using workflow = await introspectWorkflow(env.GENERATE_RULE);
    await workflow.modifyAll(async (modifier) => modifier.disableRetryDelays());
    const generation = await run('busy');
    expect(generation).toMatchObject({ status: 'signed', attempt: 1, spend: { calls: 1 } });
  });

  test('a sandbox that fails twice is tried again and the rule is still signed', async () => {
    await using workflow = await introspectWorkflow(env.GENERATE_RULE);
    await workflow.modifyAll(async (modifier) => {
      await modifier.disableRetryDelays();
      await modifier.mockStepError({ name: 'verify 1.1' }, new Error('SANDBOX_UNAVAILABLE: gone'), 2);
    });
    expect(await run('good')).toMatchObject({ status: 'signed', attempt: 1 });
  });

  test('a sandbox that stays down ends the generation errored, never failed or signed', async () => {
    await using workflow = await introspectWorkflow(env.GENERATE_RULE);
    await workflow.modifyAll(async (modifier) => {
      await modifier.disableRetryDelays();
      await modifier.mockStepError({ name: 'verify 1.1' }, new Error('SANDBOX_UNAVAILABLE: gone'));
    });
    const generation = await run('good');
    expect(generation).toMatchObject({
      status: 'errored',
      reason: { code: 'SANDBOX_UNAVAILABLE' },
      ruleId: null,
    });
    expect(await env.BUCKET.head(keys.bundle('first', generation.id))).toBeNull();
  });
});

describe('cancel', () => {
  test('stops a running generation; nothing is signed', async () => {
    const { id } = await create('slow');
    const cancelled = await call<GenerationDetail>(`/v1/generations/${id}/cancel`, { method: 'POST' });
    expect(cancelled).toMatchObject({
      status: 200,
      body: { status: 'cancelled', reason: { code: 'CANCELLED' } },
    });
    const again = await call<GenerationDetail>(`/v1/generations/${id}/cancel`, { method: 'POST' });
    expect(again.status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await untilEnded(id)).toMatchObject({ status: 'cancelled', ruleId: null });
    expect(await env.BUCKET.head(keys.bundle('first', id))).toBeNull();
    expect((await events(id)).filter((event) => event.type === 'ended')).toHaveLength(1);
  });

  test('of one that has ended is refused', async () => {
    const { id } = await run('good');
    expect(await call(`/v1/generations/${id}/cancel`, { method: 'POST' })).toMatchObject({
      status: 409,
      body: { code: 'ALREADY_ENDED' },
    });
  });
});

test('many cases are verified in chunks, each a step of its own', async () => {
  const cases = Array.from(
    { length: 60 },
    (_, n): RuleCase =>
      n % 2 === 0
        ? { name: `valid ${n}`, kind: 'valid', files: { 'a.ts': `JSON.parse(s${n});\n` } }
        : { name: `invalid ${n}`, kind: 'invalid', files: { 'a.ts': `eval(s${n});\n` } },
  );
  const generation = await run('good', { cases });
  expect(generation).toMatchObject({ status: 'signed', cases: { total: 60, passed: 60 } });
  const verified = (await events(generation.id)).filter((event) => event.type === 'verified');
  expect(verified.map((event) => event.data.cases)).toEqual([50, 10]);
});

test('a rule that hangs is given up after three time-outs, and the feedback says so', async () => {
  const cases = Array.from(
    { length: 12 },
    (_, n): RuleCase => ({
      name: `${n}`,
      kind: n === 0 ? 'valid' : 'invalid',
      files: { 'a.ts': n === 0 ? 'JSON.parse(s);\n' : `eval(s${n});\n` },
    }),
  );
  const generation = await run('endless, good', { cases, limits: { caseTimeoutMs: 1_000 } });
  expect(generation).toMatchObject({ status: 'signed', attempt: 2, cases: { passed: 12 } });
  expect(generation.attempts[0]?.cases.length).toBeLessThan(12);
  const feedback = await (await env.BUCKET.get(keys.feedback('first', generation.id, 1)))?.text();
  expect(feedback).toContain('cases were not run after these failures');
});
