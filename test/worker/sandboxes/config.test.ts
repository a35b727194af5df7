/** The container back end is complete or the Worker does not start: each missing part is named. */
import { env } from 'cloudflare:workers';
import { expect, test } from 'vitest';
import { type Bindings, loadConfig } from '../../../src/env.ts';

const complete = { ...(env as Bindings), SANDBOX: 'container', SANDBOX_BUILD_ID: 'sha256:any' };

test('complete', async () => {
  const { sandboxes } = await loadConfig({ ...complete });
  expect(sandboxes.container).toMatchObject({ buildId: 'sha256:any' });
  expect(sandboxes.container?.gate).toBe(complete.CONTAINER_GATE);
});

test.each(['VERIFICATION_CONTAINER', 'CONTAINER_GATE', 'SANDBOX_BUILD_ID'])(
  'without %s it is CONFIG_INVALID, and says so',
  async (name) => {
    const loading = loadConfig({ ...complete, [name]: undefined });
    await expect(loading).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(name),
    });
  },
);
