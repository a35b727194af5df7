/** Hosts that start isolates, killed at random moments. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CHAOS_TIMEOUT_MS, chaos, SEED, VERIFICATIONS } from '../support/chaos.ts';

const MAIN = fileURLToPath(new URL('../../isolate/main.ts', import.meta.url));

it(`${VERIFICATIONS} verifications, seed ${SEED}`, { timeout: CHAOS_TIMEOUT_MS }, async () => {
  expect.hasAssertions();
  await chaos('isolate', { main: MAIN });
});
