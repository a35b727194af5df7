/** The log over HTTP, and the step that writes it: public, cacheable, and 404 for whatever is not there. */
import { introspectWorkflow } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { type Bindings, loadConfig } from '../../../src/env.ts';
import { privateKeyPem } from '../../../src/signing/ed25519.ts';
import type { BundleLog, Job, StepDeps } from '../../../src/steps/deps.ts';
import { endGeneration } from '../../../src/steps/end-generation.ts';
import { logBundle } from '../../../src/steps/log-bundle.ts';
import { keys } from '../../../src/store/objects.ts';
import { openCheckpoint } from '../../../src/tlog/checkpoint.ts';
import { verifyProof } from '../../../src/tlog/proof.ts';
import { openDeps } from '../../../src/workflows/deps.ts';
import { call, run } from '../client.ts';
import { generationRow } from '../rows.ts';

const encoder = new TextEncoder();
const anyone = { token: null };
const bundleOf = (n: number) => ({ key: 'any', sha256: n.toString(16).padStart(64, '0'), bytes: 1 });

async function fixture(): Promise<{ job: Job; deps: StepDeps; log: BundleLog }> {
  const deps = await openDeps(env as Bindings);
  if (deps.log === null) throw new Error('no log is configured');
  const job = { orgId: 'first', generationId: `gen-${crypto.randomUUID()}` };
  await deps.store.generations.insert(generationRow(job.generationId, { model: 'm' }));
  await env.DB.prepare("UPDATE generations SET status = 'running' WHERE id = ?1")
    .bind(job.generationId)
    .run();
  return { job, deps, log: deps.log };
}

const check = (proof: string, sha256: string, log: BundleLog) =>
  verifyProof(encoder.encode(proof), sha256, log.key);

describe('the step', () => {
  test('stores a proof that verifies; a second run changes nothing, though the log grew', async () => {
    const { job, deps, log } = await fixture();
    const input = { attempt: 1, bundle: bundleOf(1) };
    const first = await logBundle(job, input, deps);
    const proof = (await deps.store.objects.get(keys.proof('first', job.generationId))) ?? '';
    expect(await check(proof, input.bundle.sha256, log)).toMatchObject({ ok: true });
    await log.append(bundleOf(2).sha256);
    expect(await logBundle(job, input, deps)).toEqual(first);
  });

  test('interrupted before the proof was stored: the same index again', async () => {
    const { job, deps, log } = await fixture();
    const input = { attempt: 1, bundle: bundleOf(3) };
    const lost = await check(await log.append(input.bundle.sha256), input.bundle.sha256, log);
    await log.append(bundleOf(4).sha256);
    await logBundle(job, input, deps);
    const proof = (await deps.store.objects.get(keys.proof('first', job.generationId))) ?? '';
    const again = await check(proof, input.bundle.sha256, log);
    if (!lost.ok || !again.ok) throw new Error('no proof');
    expect(again.index).toBe(lost.index);
  });

  test('without a log there is no proof, and nothing fails', async () => {
    const { job, deps } = await fixture();
    expect(await logBundle(job, { attempt: 1, bundle: bundleOf(5) }, { ...deps, log: null })).toEqual({
      proof: null,
    });
    expect(await deps.store.objects.get(keys.proof('first', job.generationId))).toBeNull();
  });

  test('of a generation that has ended logs nothing', async () => {
    const { job, deps } = await fixture();
    await endGeneration(job, { status: 'cancelled', code: 'CANCELLED', message: '' }, deps);
    const step = logBundle(job, { attempt: 1, bundle: bundleOf(6) }, deps);
    await expect(step).rejects.toThrow('GENERATION_ENDED');
    expect((await call(`/log/proof/${bundleOf(6).sha256}`, anyone)).status).toBe(404);
  });

  test('a proof of another bundle is not stored', async () => {
    const { job, deps, log } = await fixture();
    const lying = { ...log, append: () => log.append(bundleOf(7).sha256) };
    const step = logBundle(job, { attempt: 1, bundle: bundleOf(8) }, { ...deps, log: lying });
    await expect(step).rejects.toThrow('LOG_INCONSISTENT: not_included');
    expect(await deps.store.objects.get(keys.proof('first', job.generationId))).toBeNull();
  });
});

test('a log that cannot be written keeps the rule from being published', async () => {
  await using workflow = await introspectWorkflow(env.GENERATE_RULE);
  await workflow.modifyAll(async (modifier) => {
    await modifier.disableRetryDelays();
    await modifier.mockStepError({ name: 'log' }, new Error('LOG_UNAVAILABLE: R2 is gone'));
  });
  const generation = await run('good');
  expect(generation).toMatchObject({ status: 'errored', reason: { code: 'LOG_UNAVAILABLE' }, ruleId: null });
  expect(generation.reason?.message).toContain('Nothing was published');
  expect(generation.step).not.toBe('publish');
});

describe('anyone may read', () => {
  test('checkpoint, key, tiles and proofs, and caches may keep them', async () => {
    const { ruleId } = await run('good');
    const { body } = await call<{ bundleSha256: string }>(`/v1/rules/${ruleId}`);
    const { log } = await fixture();
    const checkpoint = await call('/log/checkpoint', anyone);
    expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(checkpoint.headers.get('cache-control')).toBe('public, max-age=2');
    const opened = await openCheckpoint(encoder.encode(checkpoint.text), log.key);
    if (!opened.ok) throw new Error(opened.message);
    const { size } = opened.head;
    for (const level of ['0', 'entries']) {
      const tile = await exports.default.fetch(`http://assay.test/log/tile/${level}/000.p/${size}`);
      const width = level === '0' ? 32 : 83;
      expect((await tile.arrayBuffer()).byteLength).toBe(size * width);
      expect(tile.status).toBe(200);
      expect(tile.headers.get('cache-control')).toContain('immutable');
      expect(tile.headers.get('content-type')).toBe('application/octet-stream');
    }
    const proof = await call(`/log/proof/${body.bundleSha256}`, anyone);
    expect(await check(proof.text, body.bundleSha256, log)).toMatchObject({ ok: true, size });
    expect((await call('/log/key', anyone)).text).toMatch(
      /^assay\.test\/log\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}\n$/,
    );
  });

  test.each([
    '/log',
    '/log/',
    '/log/nothing',
    '/log/index/00',
    '/log/tile/',
    '/log/tile/0',
    '/log/tile/0/000',
    '/log/tile/0/999.p/1',
    '/log/tile/0/000.p/0',
    '/log/tile/0/000.p/256',
    '/log/tile/0/000.p/1/',
    '/log/tile/0/%30%30%30.p/1',
    '/log/tile/64/000',
    '/log/tile/entries/x000/000',
    '/log/tile/../checkpoint',
    '/log/tile/..%2fcheckpoint',
    '/log/tile/0/x999/x999/x999/x999/x999/999',
    '/log/proof/',
    '/log/proof/00',
    `/log/proof/${'0'.repeat(63)}G`,
    `/log/proof/${'f'.repeat(64)}`,
  ])('%s is 404, and not kept', async (path) => {
    const { status, headers } = await call(path, anyone);
    // A path with dots is normalised before it gets here.
    if (path === '/log/tile/../checkpoint') expect(status).toBe(200);
    else expect({ status, cache: headers.get('cache-control') }).toEqual({ status: 404, cache: 'no-store' });
  });

  test('and nothing else', async () => {
    for (const path of [
      '/log/checkpoint',
      '/log/key',
      '/log/tile/0/000.p/1',
      `/log/proof/${'0'.repeat(64)}`,
    ]) {
      const { status, headers } = await call(path, { ...anyone, method: 'POST' });
      expect({ path, status, allow: headers.get('allow') }).toEqual({ path, status: 405, allow: 'GET' });
    }
  });
});

describe('configuration', () => {
  const complete = env as Bindings;
  test('both settings absent: no log', async () => {
    const { log } = await loadConfig({ ...complete, LOG_KEY: '', LOG_ORIGIN: '' });
    expect(log).toBeNull();
  });

  test.each<[Partial<Bindings>, string]>([
    [{ LOG_KEY: '' }, 'LOG_KEY is missing'],
    [{ LOG_ORIGIN: '' }, 'LOG_ORIGIN is missing'],
    [{ LOG_KEY: 'AAAA' }, 'LOG_KEY is not an Ed25519 PKCS#8 key'],
    [{ LOG_ORIGIN: 'my log' }, 'LOG_ORIGIN is malformed'],
    [{ LOG_ORIGIN: 'a+b' }, 'LOG_ORIGIN is malformed'],
    [{ TRANSPARENCY_LOG: undefined }, 'TRANSPARENCY_LOG binding is missing'],
    [{ SIGNING_KEY: complete.LOG_KEY }, 'LOG_KEY is the same key'],
  ] as [Partial<Bindings>, string][])('half of it is CONFIG_INVALID: %#', async (over, problem) => {
    const loading = loadConfig({ ...complete, ...over });
    await expect(loading).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(problem),
    });
  });

  test('no part of the key is in what a client can see', async () => {
    const seed = new Uint8Array(32).fill(9);
    const bare = privateKeyPem(seed).replace(/-----[^-]+-----|\s/g, '');
    const loading = loadConfig({ ...complete, LOG_KEY: `${bare}x` });
    await expect(loading).rejects.toMatchObject({ message: expect.not.stringContaining(bare.slice(-20)) });
  });
});
