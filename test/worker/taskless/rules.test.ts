/** Rules for the Taskless client: asked for, polled, improved. Through the real workflow, host and store. */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { GenerationDetail } from '../../../src/schema/api.ts';
import type { Owner } from '../../../src/schema/owners.ts';
import { NIL_UUID, type RuleStatus, UUID } from '../../../src/schema/taskless.ts';
import { call, countRows, create, run } from '../client.ts';
import { cli, cover, poll, REPOSITORY } from './client.ts';

let owner: Owner;
beforeAll(async () => {
  owner = await cover('Acme', { githubId: 42 });
});

const bodyOf = (script: string, over: object = {}) => ({
  orgId: owner.id,
  repositoryUrl: REPOSITORY,
  prompt: `No eval anywhere [[${script}]] ${crypto.randomUUID()}`,
  successCases: ['JSON.parse(s);\n'],
  failureCases: ['eval(s);\n'],
  ...over,
});

type Made = { ruleId: string; status: string; error?: string; details?: string[] };
const submit = (body: object, token?: string | null) => cli<Made>('/cli/api/rule', body, token);
type Iterated = { requestId: string; status: string; error?: string; details?: string[] };
const iterate = (id: string, over: object = {}) =>
  cli<Iterated>(`/cli/api/rule/${id}/iterate`, { orgId: owner.id, guidance: 'Also new Function.', ...over });

describe('asking for a rule', () => {
  test('an sg rule comes as content, snippets and sidecar, with our bundle beside', async () => {
    const made = await submit(bodyOf('sggood'));
    expect(made).toMatchObject({
      status: 200,
      body: { ruleId: expect.stringMatching(UUID), status: 'accepted' },
    });
    const { ruleId } = made.body;
    const ended = await poll(ruleId);
    expect(ended).toMatchObject({
      ruleId,
      status: 'generated',
      rules: [
        {
          id: 'no-eval',
          engine: 'sg',
          content: {
            id: 'no-eval',
            language: 'typescript',
            severity: 'error',
            message: 'eval is used',
            rule: { pattern: 'eval($CODE)' },
          },
          tests: { valid: ['JSON.parse(s);\n'], invalid: ['eval(s);\n'] },
        },
      ],
      meta: { 'no-eval': { ticketId: ruleId, schemaVersion: '1' } },
    });
    expect(JSON.parse(ended.assay?.bundle ?? '')).toHaveProperty('dsseEnvelope');
    expect(ended.assay?.proof).toContain('c2sp.org/tlog-proof');
    const request = await call(`/v1/generations/${ended.assay?.generation}/request`);
    expect(request.body).toMatchObject({
      engine: 'auto',
      cases: [{ files: { 'example.ts': 'JSON.parse(s);\n' } }, {}],
    });
  });

  test('a runtime rule ends with a text that says how to get it', async () => {
    const { body } = await submit(bodyOf('good'));
    const ended = await poll(body.ruleId);
    expect(ended.status).toBe('failed');
    expect(ended.error).toContain(`assay install ${body.ruleId} --dir`);
    expect(ended).not.toHaveProperty('rules');
    expect(ended.assay).toMatchObject({ engine: 'runtime', rule: expect.stringMatching(/^rule-/) });
  });

  test('a client from before runtime rules gets an sg rule without a question to the model', async () => {
    const body = bodyOf('sggood');
    const made = await call<Made>('/cli/api/rule', { method: 'POST', body });
    const ended = await poll(made.body.ruleId);
    expect(ended.status).toBe('generated');
    const generation = await call<GenerationDetail>(`/v1/generations/${ended.assay?.generation}`);
    expect(generation.body).toMatchObject({ engineReason: 'the request asks for it', spend: { calls: 1 } });
  });

  test('the same again is the same rule; for another repository it is another', async () => {
    const body = bodyOf('sggood');
    const before = await countRows('generations');
    const answers = await Promise.all([submit(body), submit(body), submit(body)]);
    expect(new Set(answers.map((one) => one.body.ruleId)).size).toBe(1);
    expect(await countRows('generations')).toBe(before + 1);
    const other = await submit({ ...body, repositoryUrl: 'https://github.com/acme/other' });
    expect(other.body.ruleId).not.toBe(answers[0]?.body.ruleId);
    const ruleId = answers[0]?.body.ruleId ?? '';
    await poll(ruleId);
    expect((await submit(body)).body.ruleId).toBe(ruleId);
  });

  test('one that fails says why, and asking again makes another', async () => {
    const body = bodyOf('refusal');
    const first = await submit(body);
    expect(await poll(first.body.ruleId)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('(MODEL_REFUSED)'),
    });
    expect((await submit(body)).body.ruleId).not.toBe(first.body.ruleId);
  });

  test('a deleted one is unknown under every id, and the same request makes another', async () => {
    const body = bodyOf('sggood');
    const first = await submit(body);
    const { assay } = await poll(first.body.ruleId);
    const generation = assay?.generation ?? '';
    const path = `/v1/generations/${generation}?rule=true`;
    expect((await call(path, { method: 'DELETE' })).status).toBe(200);
    for (const id of [first.body.ruleId, generation]) {
      expect(await cli(`/cli/api/rule/${id}`)).toMatchObject({
        status: 404,
        body: { error: 'request_not_found' },
      });
    }
    const kept = env.DB.prepare('SELECT id FROM taskless_requests WHERE generation_id = ?1').bind(generation);
    expect(await kept.first()).toBeNull();
    const second = await submit(body);
    expect(second.status).toBe(200);
    expect(second.body.ruleId).not.toBe(first.body.ruleId);
  });

  test('a cancelled one is failed, one that runs is not ended', async () => {
    const { body } = await submit(bodyOf('slow'));
    const early = await cli<RuleStatus>(`/cli/api/rule/${body.ruleId}`);
    expect(['accepted', 'classifying', 'building']).toContain(early.body.status);
    await call(`/v1/generations/${early.body.assay?.generation}/cancel`, { method: 'POST' });
    expect(await poll(body.ruleId)).toMatchObject({ status: 'failed', error: 'it was cancelled' });
  });
});

describe('whom it is for', () => {
  test.each<[string, () => object]>([
    ['a UUID', () => ({ orgId: owner.id })],
    ['a UUID in capitals', () => ({ orgId: owner.id.toUpperCase() })],
    ['the number of GitHub', () => ({ orgId: 42 })],
    ['the same as text', () => ({ orgId: '42' })],
    ['nobody in particular', () => ({ orgId: NIL_UUID })],
    ['letter case of the repository', () => ({ repositoryUrl: 'https://github.com/ACME/Widgets' })],
  ])('%s is taken', async (_name, over) =>
    expect((await submit(bodyOf('declined', over()))).status).toBe(200),
  );

  test('an unknown organisation, a foreign one and a repository that is not covered are one answer', async () => {
    const foreign = await cover('acme', {}, inject('tokens').second);
    await cover('narrow', { repositories: ['Only'] });
    const bodies = [
      { orgId: crypto.randomUUID() },
      { orgId: foreign.id },
      { orgId: 'not an id' },
      { orgId: 7 },
      { repositoryUrl: 'https://github.com/nobody/widgets' },
      { orgId: NIL_UUID, repositoryUrl: 'https://github.com/narrow/other' },
    ];
    const answers = await Promise.all(bodies.map((over) => submit(bodyOf('good', over))));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set(['404 {"error":"organization_not_found"}']),
    );
    const only = { orgId: NIL_UUID, repositoryUrl: 'https://github.com/narrow/ONLY' };
    expect((await submit(bodyOf('declined', only))).status).toBe(200);
  });

  test('whoami lists the owners as the client compares them', async () => {
    const { body } = await cli('/cli/api/whoami');
    expect(body).toMatchObject({ user: 'first', email: '' });
    expect(body.orgs).toContainEqual({
      id: owner.id,
      name: 'Acme',
      source: 'github',
      url: 'https://github.com/acme',
      orgId: 42,
      githubOrgId: 42,
    });
  });
});

describe('bad input', () => {
  test.each<[string, object, string]>([
    ['no examples', { successCases: undefined, failureCases: undefined }, 'successCases: give at least one'],
    ['no example to report', { failureCases: [] }, 'failureCases: give at least one'],
    ['the same code in both', { failureCases: ['JSON.parse(s);\n'] }, 'failureCases[0]: has the same files'],
    ['no prompt', { prompt: '  ' }, 'prompt: '],
    ['a prompt that is too long', { prompt: 'x'.repeat(8_001) }, 'prompt: '],
    ['an unknown field', { language: 'ts' }, 'Unrecognized key'],
    ['another host', { repositoryUrl: 'https://gitlab.com/acme/widgets' }, 'repositoryUrl: must be'],
    ['no organisation', { orgId: undefined }, 'orgId: '],
    ['code that is no Unicode', { failureCases: ['\ud800'] }, 'failureCases.0: is not valid Unicode'],
  ])('%s is named in details', async (_name, over, detail) => {
    const answer = await submit(bodyOf('good', over));
    expect(answer).toMatchObject({ status: 400, body: { error: 'validation_error' } });
    expect(answer.body.details?.join('\n')).toContain(detail);
  });

  test.each(['/cli/api/whoami', '/cli/api/rule/x'])('%s without a token is 401', async (path) => {
    expect(await cli(path, undefined, null)).toMatchObject({ status: 401, text: '{"error":"unauthorized"}' });
  });

  test.each<[string, string, object]>([
    ['submit', '/cli/api/rule', {}],
    ['iterate', '/cli/api/rule/x/iterate', {}],
    ['reconcile', '/cli/api/reconcile', {}],
  ])('%s with a bad token is 401 before anything is read', async (_name, path, body) => {
    expect(await cli(path, body, 'bad')).toMatchObject({ status: 401, text: '{"error":"unauthorized"}' });
  });

  test('a token without the scope is 403', async () => {
    const { body } = await call<{ token: string }>('/v1/tokens', {
      method: 'POST',
      body: { name: 'reads', scopes: ['read'] },
    });
    expect(await submit(bodyOf('good'), body.token)).toMatchObject({
      status: 403,
      text: '{"error":"access_denied"}',
    });
  });

  test('JSON that is none, another media type and too much', async () => {
    expect(await cli('/cli/api/rule', '{')).toMatchObject({
      status: 400,
      body: { error: 'validation_error' },
    });
    const post = (headers: Record<string, string>, body: string) =>
      call('/cli/api/rule', { method: 'POST', body, headers });
    expect((await post({ 'content-type': 'text/plain' }, 'x')).body).toEqual({
      error: 'unsupported_media_type',
    });
    expect((await post({}, `"${'x'.repeat(9 * 1024 * 1024)}"`)).body).toEqual({ error: 'body_too_large' });
  });

  test('an unknown rule, and another organisation', async () => {
    const { body } = await submit(bodyOf('declined'));
    const unknown = { status: 404, text: '{"error":"request_not_found"}' };
    expect(await cli(`/cli/api/rule/${crypto.randomUUID()}`)).toMatchObject(unknown);
    expect(await cli(`/cli/api/rule/${body.ruleId}`, undefined, inject('tokens').second)).toMatchObject(
      unknown,
    );
    expect(await cli('/cli/api/rule/..%2f..')).toMatchObject(unknown);
    expect(await iterate(crypto.randomUUID())).toMatchObject(unknown);
    expect(await iterate(body.ruleId, { orgId: crypto.randomUUID() })).toMatchObject({
      status: 404,
      body: { error: 'organization_not_found' },
    });
  });
});

describe('improving', () => {
  test('goes on from the last answer, keeps the name, and can be improved again', async () => {
    const { body } = await submit(bodyOf('sggood'));
    await poll(body.ruleId);
    const references = [{ filename: 'rules/sg/no-eval/no-eval.yml', content: 'id: no-eval\n' }];
    const again = await iterate(body.ruleId, { references });
    expect(again).toMatchObject({
      status: 200,
      body: { requestId: expect.stringMatching(UUID), status: 'accepted' },
    });
    const { requestId } = again.body;
    expect(requestId).not.toBe(body.ruleId);
    const ended = await poll(requestId);
    expect(ended).toMatchObject({
      status: 'generated',
      rules: [{ id: 'no-eval' }],
      meta: { 'no-eval': { ticketId: requestId } },
    });
    const id = ended.assay?.generation ?? '';
    const generation = await call<GenerationDetail>(`/v1/generations/${id}`);
    expect(generation.body).toMatchObject({ fromAttempt: 1, engine: 'sg' });
    const { guidance, name } = (
      await call<{ guidance: string; name: string }>(`/v1/generations/${id}/request`)
    ).body;
    expect(guidance).toBe('Also new Function.\n\nFile "rules/sg/no-eval/no-eval.yml":\nid: no-eval\n');
    expect(name).toBe('no-eval');
    expect((await iterate(requestId)).status).toBe(200);
  });

  test('the same advice twice at once is one request, another meanwhile is refused', async () => {
    const { body } = await submit(bodyOf('sggood, slow'));
    await poll(body.ruleId);
    const [first, second] = await Promise.all([iterate(body.ruleId), iterate(body.ruleId)]);
    expect(second?.body).toEqual(first?.body);
    const other = await iterate(body.ruleId, { guidance: 'Something else.' });
    expect(other).toMatchObject({ status: 400, body: { error: 'validation_error' } });
    expect(other.body.details?.[0]).toContain(first?.body.requestId);
  });

  test('files that do not fit are left out, and that is said', async () => {
    const { body } = await submit(bodyOf('sggood'));
    await poll(body.ruleId);
    const references = [1, 2].map((n) => ({ filename: `${n}.ts`, content: 'x'.repeat(3_000) }));
    const { requestId } = (await iterate(body.ruleId, { references })).body;
    const { assay } = (await cli<RuleStatus>(`/cli/api/rule/${requestId}`)).body;
    const { guidance } = (await call<{ guidance: string }>(`/v1/generations/${assay?.generation}/request`))
      .body;
    expect(guidance).toMatch(/\(1 more files were sent and left out\.\)$/);
    expect(guidance.length).toBeLessThanOrEqual(4_000);
  });

  test('one that is still being made cannot be improved', async () => {
    const { body } = await submit(bodyOf('slow'));
    expect((await iterate(body.ruleId)).body).toEqual({
      error: 'validation_error',
      details: ['the rule is still being made'],
    });
  });

  test('a generation of our own API is known by its id too, and keeps one UUID', async () => {
    const { id } = await run('sggood', { engine: 'sg' });
    const first = await cli<RuleStatus>(`/cli/api/rule/${id}`);
    const second = await cli<RuleStatus>(`/cli/api/rule/${id}`);
    expect(first.body.ruleId).toMatch(UUID);
    expect(second.body.ruleId).toBe(first.body.ruleId);
    expect((await iterate(id, { orgId: NIL_UUID })).status).toBe(200);
    const alive = await create('slow');
    expect((await iterate(alive.id)).status).toBe(400);
  });
});
