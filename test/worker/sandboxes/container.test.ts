/**
 * The container back end where no engine is: what can be proven without one is that a container that
 * does not start is our failure, never a verdict. The suite against a real engine is opt-in.
 */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { ContainerSandbox } from '../../../src/sandboxes/container.ts';
import { cases } from '../../support/rule.ts';

test('a container that cannot start is SANDBOX_UNAVAILABLE, which is retried and never signed', async () => {
  const sandbox = new ContainerSandbox(env.VERIFICATION_CONTAINER, 'sha256:any');
  const call = {
    id: 'gen-test-1-1-1',
    rule: { files: { 'check.ts': '' }, captures: [] },
    cases,
    caseTimeoutMs: 1_000,
  };
  await expect(sandbox.verify(call)).rejects.toMatchObject({ code: 'SANDBOX_UNAVAILABLE' });
});
