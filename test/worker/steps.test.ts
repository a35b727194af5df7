/** Steps run twice on purpose: a crash in the middle of one must change nothing. */
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { UNSUPPORTED } from '../../container/protocol.ts';
import type { Bindings } from '../../src/env.ts';
import { isRetryable } from '../../src/errors.ts';
import type { Model, ModelAnswer } from '../../src/models/model.ts';
import type { Sandbox, Sandboxes } from '../../src/sandboxes/sandbox.ts';
import type { CaseReport, HostCaseResult, SandboxKind } from '../../src/schema/report.ts';
import type { RuleRequest } from '../../src/schema/request.ts';
import { parseSigningKey, privateKeyPem } from '../../src/signing/ed25519.ts';
import { acceptRequest } from '../../src/steps/accept-request.ts';
import { askModel } from '../../src/steps/ask-model.ts';
import { classifyRequest } from '../../src/steps/classify-request.ts';
import type { Job, StepDeps } from '../../src/steps/deps.ts';
import { endGeneration } from '../../src/steps/end-generation.ts';
import { inspectReply } from '../../src/steps/inspect-rule.ts';
import { judgeAttempt } from '../../src/steps/judge-attempt.ts';
import { prepareGeneration } from '../../src/steps/prepare-generation.ts';
import { publishRule } from '../../src/steps/publish-rule.ts';
import { signRule } from '../../src/steps/sign-rule.ts';
import { type VerifyInput, verifyChunk } from '../../src/steps/verify-chunk.ts';
import { askOne } from '../../src/store/ask.ts';
import { keys, type ObjectRef } from '../../src/store/objects.ts';
import { openDeps } from '../../src/workflows/deps.ts';
import { wakeStalled } from '../../src/workflows/wake-stalled.ts';
import { answer, caseResult, cases, goodReply, request } from '../support/rule.ts';
import { countRows, create, untilEnded } from './client.ts';
import { generationRow } from './rows.ts';

const found = [{ file: 'a.ts', message: 'eval is used', line: 1 }];

class CountingModel implements Model {
  readonly id = 'test-model';
  text: string;
  calls = 0;
  constructor(text = JSON.stringify(goodReply)) {
    this.text = text;
  }
  answer(): Promise<ModelAnswer> {
    this.calls += 1;
    return Promise.resolve({
      text: this.text,
      stopReason: 'end_turn',
      model: 'test-model',
      requestId: `req-${this.calls}`,
      usage: { inputTokens: 10, outputTokens: 20, cacheWriteTokens: 0, cacheReadTokens: 0 },
      costUsd: 0.5,
      durationMs: 1,
    });
  }
}

const passingSandbox: Sandbox = {
  kind: 'host',
  verify: () =>
    Promise.resolve(answer([caseResult({ id: 'c0' }), caseResult({ id: 'c1', findings: found })])),
};

/** A deployment with these back ends, the first of them preferred. */
function only(...sandboxes: [Sandbox, ...Sandbox[]]): Sandboxes {
  const kinds = sandboxes.map((one) => one.kind);
  return {
    policy: { preferred: sandboxes[0].kind, available: kinds, agreement: 'required-where-possible' },
    open: (kind) => sandboxes.find((one) => one.kind === kind) ?? sandboxes[0],
  };
}

interface Fixture {
  readonly job: Job;
  readonly deps: StepDeps;
  readonly model: CountingModel;
}

/** A generation row without a workflow instance, so that the test drives the steps. */
async function fixture(asked: RuleRequest = request): Promise<Fixture> {
  const real = await openDeps(env as Bindings);
  const model = new CountingModel();
  let clockMs = Date.parse('2026-01-01T00:00:00Z');
  const deps: StepDeps = {
    ...real,
    model,
    sandboxes: only(passingSandbox),
    now: () => {
      clockMs += 1_000;
      return new Date(clockMs);
    },
  };
  const job = await started(deps, asked);
  await classifyRequest(job, {}, deps);
  await prepareGeneration(job, deps);
  return { job, deps, model };
}

async function started(deps: StepDeps, asked: RuleRequest): Promise<Job> {
  const job = { generationId: `gen-${crypto.randomUUID()}`, orgId: 'first' };
  await deps.store.objects.putOnce(keys.request('first', job.generationId), JSON.stringify(asked));
  await deps.store.generations.insert(
    generationRow(job.generationId, { cases_total: cases.length, created_at: deps.now().toISOString() }),
  );
  await acceptRequest(job, deps);
  return job;
}

/** The whole verification of the fixture's cases, in one chunk. */
function verifyInput(rule: ObjectRef): VerifyInput {
  return {
    purpose: 'verify',
    sandbox: 'host',
    attempt: 1,
    chunk: 0,
    pending: [0, 1],
    rule,
    caseTimeoutMs: 1_000,
    passedBefore: 0,
    stepAttempt: 1,
  };
}

async function untilSigned({ job, deps }: Fixture) {
  const asked = await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
  const inspected = await inspectReply(job, { attempt: 1, reply: asked.reply, engine: 'runtime' }, deps);
  if (inspected.kind !== 'rule') throw new Error('refused');
  const verify = verifyInput(inspected.rule);
  const chunk = await verifyChunk(job, verify, deps);
  const judged = await judgeAttempt(job, { attempt: 1, chunks: [chunk.report], confirmChunks: [] }, deps);
  const input = {
    attempt: 1,
    rule: inspected.rule,
    report: judged.report,
    confirmation: judged.confirmation,
    reply: asked.reply,
    verifiedAt: judged.verifiedAt,
    caseTimeoutMs: 1_000,
  };
  return { input, signed: await signRule(job, input, deps) };
}

describe('a step that runs twice', () => {
  test('asking the model pays once; the recorded answer is used again', async () => {
    const { job, deps, model } = await fixture();
    const first = await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
    const second = await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
    expect(second).toEqual(first);
    expect(model.calls).toBe(1);
    expect(await askOne(deps.store.spend.totals('first', job.generationId))).toEqual({
      calls: 1,
      unanswered: 0,
      inputTokens: 10,
      outputTokens: 20,
      costUsd: 0.5,
    });
  });

  test('asking for the engine pays once, and says the same again', async () => {
    const { deps } = await fixture();
    const auto = await started(deps, { ...request, engine: 'auto' });
    const model = new CountingModel(JSON.stringify({ engine: 'sg', why: 'a pattern can say it' }));
    const first = await classifyRequest(auto, {}, { ...deps, model });
    expect(first).toEqual({ engine: 'sg', costUsd: 0.5 });
    expect(await classifyRequest(auto, {}, { ...deps, model })).toEqual(first);
    expect(model.calls).toBe(1);
    const totals = await askOne(deps.store.spend.totals('first', auto.generationId));
    expect(totals).toMatchObject({ calls: 1, unanswered: 0, costUsd: 0.5 });
    const events = await deps.store.events.after('first', auto.generationId, 0, 100);
    expect(events.filter((event) => event.type === 'classified')).toHaveLength(1);
  });

  test('asking for the engine asks the model that the generation was made for', async () => {
    const { deps } = await fixture();
    const auto = await started(deps, { ...request, engine: 'auto' });
    const other = new CountingModel(JSON.stringify({ engine: 'sg', why: 'a pattern can say it' }));
    const openModel = (id: string): Model => {
      expect(id).toBe('other-model');
      return other;
    };
    await classifyRequest(auto, { model: 'other-model' }, { ...deps, openModel });
    expect(other.calls).toBe(1);
  });

  test('a generation from before there was another engine keeps the one it has', async () => {
    const { deps, model } = await fixture();
    const auto = await started(deps, { ...request, engine: 'auto' });
    await env.DB.prepare("UPDATE generations SET engine = 'runtime' WHERE id = ?1")
      .bind(auto.generationId)
      .run();
    expect(await classifyRequest(auto, {}, deps)).toEqual({ engine: 'runtime', costUsd: 0 });
    expect(model.calls).toBe(0);
  });

  test('an interrupted call leaves a reserved row, so that no paid call is unrecorded', async () => {
    const { job, deps } = await fixture();
    const failing: Model = { id: 'test-model', answer: () => Promise.reject(new Error('gone')) };
    await expect(
      askModel(job, { attempt: 1, engine: 'runtime' }, { ...deps, model: failing }),
    ).rejects.toThrow('gone');
    const rows = await env.DB.prepare('SELECT settled_at FROM spend WHERE generation_id = ?1')
      .bind(job.generationId)
      .all();
    expect(rows.results).toEqual([{ settled_at: null }]);
    expect(await askOne(deps.store.spend.totals('first', job.generationId))).toMatchObject({
      calls: 0,
      unanswered: 1,
    });
  });

  test('signing gives the same bytes although the clock moved on', async () => {
    const one = await fixture();
    const { input, signed } = await untilSigned(one);
    const again = await signRule(one.job, input, one.deps);
    expect(again).toEqual(signed);
  });

  test('publishing makes one rule and one end', async () => {
    const one = await fixture();
    const { signed } = await untilSigned(one);
    const input = { ...signed, attempt: 1, attemptsMax: 5, passed: 2 };
    const first = await publishRule(one.job, input, one.deps);
    expect(await publishRule(one.job, input, one.deps)).toEqual(first);
    const ended = await one.deps.store.events.after('first', one.job.generationId, 0, 100);
    expect(ended.filter((event) => event.type === 'ended')).toHaveLength(1);
    const rules = await env.DB.prepare('SELECT id FROM rules WHERE generation_id = ?1')
      .bind(one.job.generationId)
      .all();
    expect(rules.results).toHaveLength(1);
  });
});

test('a cancel that comes before publishing wins: nothing is published', async () => {
  const one = await fixture();
  const { signed } = await untilSigned(one);
  await endGeneration(one.job, { status: 'cancelled', code: 'CANCELLED', message: '' }, one.deps);
  const before = await countRows('rules');
  await expect(
    publishRule(one.job, { ...signed, attempt: 1, attemptsMax: 5, passed: 2 }, one.deps),
  ).rejects.toThrow('GENERATION_ENDED');
  expect(await countRows('rules')).toBe(before);
});

test('a cancel that comes after publishing changes nothing', async () => {
  const one = await fixture();
  const { signed } = await untilSigned(one);
  await publishRule(one.job, { ...signed, attempt: 1, attemptsMax: 5, passed: 2 }, one.deps);
  expect(
    await endGeneration(one.job, { status: 'cancelled', code: 'CANCELLED', message: '' }, one.deps),
  ).toEqual({ ended: false });
  expect(await one.deps.store.generations.find('first', one.job.generationId)).toMatchObject({
    status: 'signed',
  });
});

test('a cancelled generation asks no model', async () => {
  const { job, deps, model } = await fixture();
  await endGeneration(job, { status: 'cancelled', code: 'CANCELLED', message: '' }, deps);
  await expect(askModel(job, { attempt: 1, engine: 'runtime' }, deps)).rejects.toThrow('GENERATION_ENDED');
  expect(model.calls).toBe(0);
});

test('no step goes on for a generation that has ended', async () => {
  const one = await fixture();
  const { input } = await untilSigned(one);
  await endGeneration(one.job, { status: 'cancelled', code: 'CANCELLED', message: '' }, one.deps);
  const verify = { ...verifyInput(input.rule), chunk: 1, pending: [0] };
  for (const step of [
    () => askModel(one.job, { attempt: 2, engine: 'runtime' }, one.deps),
    () => inspectReply(one.job, { attempt: 1, reply: input.reply, engine: 'runtime' }, one.deps),
    () => verifyChunk(one.job, verify, one.deps),
    () => judgeAttempt(one.job, { attempt: 1, chunks: [input.report], confirmChunks: [] }, one.deps),
    () => signRule(one.job, input, one.deps),
  ]) {
    await expect(step()).rejects.toThrow('GENERATION_ENDED');
  }
});

test('the end is the last event: a step that was under way adds none', async () => {
  const { job, deps } = await fixture();
  await endGeneration(job, { status: 'cancelled', code: 'CANCELLED', message: '' }, deps);
  const late = { key: 'late', type: 'replied', data: {} } as const;
  await deps.store.change(deps.store.events.appending(job, late, deps.now().toISOString()));
  const events = await deps.store.events.after('first', job.generationId, 0, 100);
  expect(events.at(-1)).toMatchObject({ type: 'ended' });
});

test('no attempt begins after the end of its generation, however late the end comes, and none is paid for', async () => {
  const { job, deps, model } = await fixture();
  await endGeneration(job, { status: 'cancelled', code: 'CANCELLED', message: 'on request' }, deps);
  await expect(askModel(job, { attempt: 1, engine: 'runtime' }, deps)).rejects.toMatchObject({
    code: 'GENERATION_ENDED',
  });
  await deps.store.attempts.startFirst('first', [job.generationId], deps.now().toISOString());
  expect(await askOne(deps.store.attempts.listOf('first', job.generationId))).toEqual([]);
  expect(model.calls).toBe(0);
});

test('a verdict that comes after the end of its generation changes nothing', async () => {
  const { job, deps } = await fixture();
  const at = deps.now().toISOString();
  const attempt = { ...job, n: 1 };
  const result: CaseReport = {
    ...caseResult(),
    name: 'a',
    kind: 'valid',
    status: 'validated',
    durationMs: 1,
  };
  const end = { verdict: 'accepted', summary: 'all pass', casesPassed: 1, sandboxMs: 1 } as const;
  await deps.store.change(deps.store.attempts.starting(attempt, at));
  await endGeneration(job, { status: 'cancelled', code: 'CANCELLED', message: 'on request' }, deps);
  await deps.store.change(...deps.store.attempts.ending(attempt, end, [result], at));
  expect(await askOne(deps.store.attempts.listOf('first', job.generationId))).toMatchObject([
    { verdict: 'inconclusive', summary: 'on request' },
  ]);
  expect(await askOne(deps.store.attempts.casesOf('first', job.generationId))).toEqual([]);
});

test('an attempt that is open when its generation ends is closed with it', async () => {
  const { job, deps } = await fixture();
  await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
  await endGeneration(job, { status: 'errored', code: 'X', message: 'our side failed' }, deps);
  const [attempt] = await askOne(deps.store.attempts.listOf('first', job.generationId));
  expect(attempt).toMatchObject({
    verdict: 'inconclusive',
    summary: 'our side failed',
    ended_at: expect.any(String),
  });
});

test('a bundle that is stored survives a change of the key: one generation, one signature', async () => {
  const one = await fixture();
  const { input, signed } = await untilSigned(one);
  const signingKey = await parseSigningKey(privateKeyPem(new Uint8Array(32).fill(3)));
  if (signingKey === null) throw new Error('no key');
  expect(await signRule(one.job, input, { ...one.deps, signingKey })).toEqual(signed);
});

test('the question of a generation is written once', async () => {
  const { job, deps } = await fixture();
  const key = keys.firstTurn('first', job.generationId);
  const before = await deps.store.objects.get(key);
  await prepareGeneration(job, deps);
  expect(await deps.store.objects.get(key)).toBe(before);
  expect(before).toContain(request.prompt);
});

test('a call in which no case ran is a fault, never a verdict', async () => {
  const one = await fixture();
  const { input } = await untilSigned(one);
  const busy: Sandbox = { kind: 'host', verify: () => Promise.resolve(answer([], { notRun: ['c0', 'c1'] })) };
  const verify = { ...verifyInput(input.rule), chunk: 1 };
  await expect(verifyChunk(one.job, verify, { ...one.deps, sandboxes: only(busy) })).rejects.toThrow(
    'SANDBOX_UNAVAILABLE',
  );
});

test('a case the sandbox could not run is a fault, never a verdict', async () => {
  const { job, deps } = await fixture();
  const asked = await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
  const inspected = await inspectReply(job, { attempt: 1, reply: asked.reply, engine: 'runtime' }, deps);
  if (inspected.kind !== 'rule') throw new Error('refused');
  const broken: Sandbox = {
    kind: 'host',
    verify: () => Promise.resolve(answer([caseResult(), caseResult({ id: 'c1', outcome: 'host_error' })])),
  };
  const input = verifyInput(inspected.rule);
  await expect(verifyChunk(job, input, { ...deps, sandboxes: only(broken) })).rejects.toThrow(
    'SANDBOX_UNAVAILABLE',
  );
});

test.each([
  [undefined, { kind: 'refused' }, 'check.ts declares hosts api.example.com; the request allows no network'],
  [['b.test'], { kind: 'refused' }, 'check.ts declares hosts api.example.com; the request allows b.test'],
  [['api.example.com'], { kind: 'rule', sandboxes: { first: 'host', second: null } }, null],
])('a rule may ask for the hosts that its request allows: %j', async (egress, outcome, told) => {
  const { job, deps, model } = await fixture({ ...request, ...(egress === undefined ? {} : { egress }) });
  const head = "import https from 'node:https';\nexport const hosts = ['api.example.com'];\nvoid https;\n";
  model.text = JSON.stringify({ ...goodReply, check: head + goodReply.check });
  const asked = await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
  const both = { ...deps, sandboxes: only(passingSandbox, { ...passingSandbox, kind: 'isolate' }) };
  const inspected = await inspectReply(job, { attempt: 1, reply: asked.reply, engine: 'runtime' }, both);
  expect(inspected).toMatchObject(outcome);
  const feedback = await deps.store.objects.get(keys.feedback('first', job.generationId, 1));
  if (told === null) expect(feedback).toBeNull();
  else expect(feedback).toContain(told);
});

describe('a second sandbox', () => {
  const saying = (kind: SandboxKind, findings: HostCaseResult['findings']): Sandbox => ({
    kind,
    verify: () => Promise.resolve(answer([caseResult({ id: 'c0' }), caseResult({ id: 'c1', findings })])),
  });

  async function judged(second: Sandbox) {
    const one = await fixture();
    const deps = { ...one.deps, sandboxes: only(passingSandbox, second) };
    const asked = await askModel(one.job, { attempt: 1, engine: 'runtime' }, deps);
    const inspected = await inspectReply(
      one.job,
      { attempt: 1, reply: asked.reply, engine: 'runtime' },
      deps,
    );
    if (inspected.kind !== 'rule') throw new Error('refused');
    expect(inspected.sandboxes).toMatchObject({ first: 'host', second: 'isolate' });
    const verify = verifyInput(inspected.rule);
    const first = await verifyChunk(one.job, verify, deps);
    const confirm = await verifyChunk(one.job, { ...verify, purpose: 'confirm', sandbox: 'isolate' }, deps);
    const input = { attempt: 1, chunks: [first.report], confirmChunks: [confirm.report] };
    const judgement = await judgeAttempt(one.job, input, deps);
    return { ...one, deps, asked, rule: inspected.rule, judgement };
  }

  test('that agrees is part of what is signed', async () => {
    const { job, deps, rule, asked, judgement } = await judged(saying('isolate', found));
    expect(judgement.verdict).toBe('accepted');
    const { report, confirmation, verifiedAt } = judgement;
    const input = { attempt: 1, rule, report, confirmation, reply: asked.reply, verifiedAt };
    await signRule(job, { ...input, caseTimeoutMs: 1_000 }, deps);
    const text = await deps.store.objects.get(keys.statement('first', job.generationId));
    expect(JSON.parse(text ?? '')).toMatchObject({
      predicate: { sandbox: { kind: 'host' }, confirmation: { kind: 'isolate' } },
    });
  });

  test.each<[string, HostCaseResult['findings'], string]>([
    ['finds nothing', [], 'missing'],
    ['finds something else', [{ file: 'a.ts', message: 'eval is used', line: 2 }], 'error'],
  ])('that %s rejects the rule, and both are shown', async (_what, findings, status) => {
    const { job, deps, judgement } = await judged(saying('isolate', findings));
    expect(judgement).toMatchObject({ verdict: 'rejected', passed: 1 });
    expect(judgement.summary).toMatch(/the sandboxes disagree: host: reported .*; isolate: /);
    const feedback = await deps.store.objects.get(keys.feedback('first', job.generationId, 1));
    expect(feedback).toContain('In the isolate:');
    const rows = await askOne(deps.store.attempts.casesOf('first', job.generationId));
    expect(rows.map((row) => row.status)).toEqual(['validated', status]);
    for (const key of [keys.report, keys.confirmation])
      expect(await deps.store.objects.get(key('first', job.generationId, 1))).not.toBeNull();
  });
});

test('what one sandbox said of a chunk is never taken for the word of another', async () => {
  const { job, deps } = await fixture();
  const asked = await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
  const inspected = await inspectReply(job, { attempt: 1, reply: asked.reply, engine: 'runtime' }, deps);
  if (inspected.kind !== 'rule') throw new Error('refused');
  const both = { ...deps, sandboxes: only(passingSandbox, { ...passingSandbox, kind: 'isolate' }) };
  for (const sandbox of ['isolate', 'host'] as const) {
    const { report } = await verifyChunk(job, { ...verifyInput(inspected.rule), sandbox }, both);
    expect(JSON.parse(await deps.store.objects.read(report))).toMatchObject({ sandbox });
  }
});

test('a case this kind of sandbox cannot run is no verdict and is not tried again there', async () => {
  const { job, deps } = await fixture();
  const asked = await askModel(job, { attempt: 1, engine: 'runtime' }, deps);
  const inspected = await inspectReply(job, { attempt: 1, reply: asked.reply, engine: 'runtime' }, deps);
  if (inspected.kind !== 'rule') throw new Error('refused');
  const unable = caseResult({
    id: 'c1',
    outcome: 'host_error',
    error: { name: UNSUPPORTED, message: 'a source has a syntax error' },
  });
  const sandbox: Sandbox = { kind: 'isolate', verify: () => Promise.resolve(answer([caseResult(), unable])) };
  const input: VerifyInput = { ...verifyInput(inspected.rule), purpose: 'confirm', sandbox: 'isolate' };
  const running = verifyChunk(job, input, { ...deps, sandboxes: only(sandbox) });
  await expect(running).rejects.toThrow('SANDBOX_UNSUITABLE');
  expect(isRetryable('SANDBOX_UNSUITABLE')).toBe(false);
  const events = await deps.store.events.after('first', job.generationId, 0, 100);
  expect(events.at(-1)).toMatchObject({
    type: 'confirmed',
    data: { sandbox: 'isolate', unsuitable: expect.stringContaining('a source has a syntax error') },
  });
});

describe('the wake sweep', () => {
  const later = () => new Date(Date.now() + 3_600_000);

  test('starts a generation whose instance was never made', async () => {
    const real = await openDeps(env as Bindings);
    const id = `gen-${crypto.randomUUID()}`;
    await real.store.objects.putOnce(keys.request('first', id), JSON.stringify(request));
    const at = new Date().toISOString();
    await real.store.generations.insert(generationRow(id, { model: 'm', created_at: at }));
    const sweep = await wakeStalled(env as Bindings, later());
    expect(sweep.restarted).toBeGreaterThanOrEqual(1);
    expect((await untilEnded(id)).status).toBe('signed');
  });

  test('goes on after one that cannot be woken', async () => {
    const real = await openDeps(env as Bindings);
    const ids = ['not a valid id!', `gen-${crypto.randomUUID()}`];
    for (const id of ids) {
      await real.store.objects.putOnce(keys.request('first', id), JSON.stringify(request));
      await real.store.generations.insert(
        generationRow(id, { model: 'm', created_at: '2026-01-01T00:00:00.000Z' }),
      );
    }
    await wakeStalled(env as Bindings, later());
    expect((await untilEnded(ids[1] ?? '')).status).toBe('signed');
  });

  test('leaves generations alone that have ended', async () => {
    const { id } = await create('good');
    const ended = await untilEnded(id);
    await wakeStalled(env as Bindings, later());
    expect(await untilEnded(id)).toEqual(ended);
  });
});
