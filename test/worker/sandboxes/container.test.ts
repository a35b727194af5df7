/**
 * The container back end where no engine is: the real gate, and containers that answer as told. Whatever goes
 * wrong is our failure and never a verdict, no container is left, and nothing is kept at the gate.
 * The suite against a real engine is opt-in: test/docker.
 */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { BUILD_HEADER } from '../../../container/protocol.ts';
import { ContainerSandbox } from '../../../src/sandboxes/container.ts';
import { GATE_NAME } from '../../../src/sandboxes/container-gate-state.ts';
import type { SandboxCall } from '../../../src/sandboxes/sandbox.ts';
import { answer, build, caseResult, cases, isolation } from '../../support/rule.ts';
import { type FakeContainer, fakeContainers } from './fake-containers.ts';

const gate = env.CONTAINER_GATE;
let calls = 0;

function call(): SandboxCall {
  calls += 1;
  const rule = { files: { 'check.ts': '' }, captures: [] };
  return { id: `gen-test-${calls}`, rule, cases, caseTimeoutMs: 1_000 };
}

const heldAtGate = async (): Promise<string[]> =>
  (await gate.get(gate.idFromName(GATE_NAME)).list()).map((one) => one.id);

const respond = (body: unknown, status = 200, id = build.id): Response =>
  new Response(JSON.stringify(body), { status, headers: { [BUILD_HEADER]: id } });
const healthy = (): Response => respond({ ok: true, build, isolation });

interface Seen {
  readonly asked: string[];
  readonly destroyed: string[];
}

/** `answers[n]` answers the nth request of every container; the last one all that follow. */
function sandboxOf(
  answers: ((body: string) => Response | Promise<Response>)[],
  over: Partial<FakeContainer> = {},
): { sandbox: ContainerSandbox; seen: Seen } {
  const seen: Seen = { asked: [], destroyed: [] };
  const namespace = fakeContainers((id) => {
    let requests = 0;
    return {
      containerFetch: async (url: string, init?: RequestInit) => {
        seen.asked.push(new URL(url).pathname);
        const reply = answers[Math.min(requests++, answers.length - 1)];
        if (reply === undefined) throw new Error('nothing to answer');
        return reply(String(init?.body ?? ''));
      },
      destroy: async () => void seen.destroyed.push(id),
      ...over,
    };
  });
  return { sandbox: new ContainerSandbox({ namespace, gate, buildId: build.id }), seen };
}

const goodAnswer = (body: string): Response => {
  const results = [caseResult({ id: 'c0' }), caseResult({ id: 'c1' })];
  return respond(answer(results, { nonce: (JSON.parse(body) as { nonce: string }).nonce }));
};

test('asks for its health first, then once for the answer, then destroys the container', async () => {
  const { sandbox, seen } = sandboxOf([healthy, goodAnswer]);
  const one = call();
  expect((await sandbox.verify(one)).results).toHaveLength(2);
  expect(seen).toEqual({ asked: ['/healthz', '/verify'], destroyed: [one.id] });
  expect(await heldAtGate()).toEqual([]);
});

test('waits for a container that is still starting', async () => {
  const starting = (): Response => new Response('starting', { status: 503 });
  const { sandbox, seen } = sandboxOf([starting, starting, healthy, goodAnswer]);
  expect((await sandbox.verify(call())).results).toHaveLength(2);
  expect(seen.asked).toEqual(['/healthz', '/healthz', '/healthz', '/verify']);
});

test('four at once: each is let in, one start at a time', async () => {
  let starting = 0;
  let most = 0;
  const slowly = async (): Promise<Response> => {
    starting += 1;
    most = Math.max(most, starting);
    await new Promise((resolve) => setTimeout(resolve, 50));
    starting -= 1;
    return healthy();
  };
  const { sandbox, seen } = sandboxOf([slowly, goodAnswer]);
  const all = await Promise.all([call(), call(), call(), call()].map((one) => sandbox.verify(one)));
  expect(all.map(({ results }) => results.length)).toEqual([2, 2, 2, 2]);
  expect(most).toBe(1);
  expect(new Set(seen.destroyed).size).toBe(4);
  expect(await heldAtGate()).toEqual([]);
});

const fallen = { ...isolation, flags: { ...isolation.flags, loopbackBlocked: false } };
const failures: [string, Parameters<typeof sandboxOf>[0], string, string[]][] = [
  ['another build', [() => respond({}, 200, 'sha256:other')], 'SANDBOX_UNAVAILABLE', ['/healthz']],
  [
    'a wall that does not stand, before anything untrusted is sent',
    [() => respond({ ok: false, build, isolation: fallen })],
    'SANDBOX_NOT_ISOLATED',
    ['/healthz'],
  ],
  [
    'a platform error instead of an answer',
    [healthy, () => new Response('Container suddenly disconnected, try again', { status: 500 })],
    'SANDBOX_UNAVAILABLE',
    ['/healthz', '/verify'],
  ],
  [
    'a connection that breaks',
    [healthy, () => Promise.reject(new Error('Network connection lost.'))],
    'SANDBOX_UNAVAILABLE',
    ['/healthz', '/verify'],
  ],
  [
    'the answer of another call',
    [healthy, () => respond(answer([caseResult({ id: 'c0' }), caseResult({ id: 'c1' })]))],
    'SANDBOX_BAD_ANSWER',
    ['/healthz', '/verify'],
  ],
];
test.each(failures)('%s', async (_name, answers, code, asked) => {
  const { sandbox, seen } = sandboxOf(answers);
  const one = call();
  await expect(sandbox.verify(one)).rejects.toMatchObject({ code });
  expect(seen).toEqual({ asked, destroyed: [one.id] });
  expect(await heldAtGate()).toEqual([]);
});

test('a container that its caller cannot destroy is left to the gate', async () => {
  const destroy = (): Promise<void> => Promise.reject(new Error('no'));
  const { sandbox } = sandboxOf([healthy, goodAnswer], { destroy });
  const one = call();
  expect((await sandbox.verify(one)).results).toHaveLength(2);
  expect(await heldAtGate()).toEqual([one.id]);
  await gate.get(gate.idFromName(GATE_NAME)).leave(one.id);
});

test('without an engine it is SANDBOX_UNAVAILABLE, which is retried and never signed', async () => {
  const namespace = env.VERIFICATION_CONTAINER;
  const sandbox = new ContainerSandbox({ namespace, gate, buildId: 'sha256:any' });
  const one = call();
  await expect(sandbox.verify(one)).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
  await gate.get(gate.idFromName(GATE_NAME)).leave(one.id);
});
