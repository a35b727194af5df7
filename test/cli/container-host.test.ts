/** Without an engine `--sandbox container` says so and what to do; with one: test/docker/cli.test.ts. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startContainerHost } from '../../cli/container-host.ts';

beforeEach(() => vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent/docker.sock'));
afterEach(() => vi.unstubAllEnvs());

it.each([
  ['no engine answers', {}],
  ['docker is not installed', { PATH: '/nonexistent' }],
])('NO_DOCKER when %s', async (_name, env: Record<string, string>) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const error = await startContainerHost().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'UsageError', code: 'NO_DOCKER' });
  expect(error).toMatchObject({ hint: expect.stringContaining('--sandbox host') });
});
