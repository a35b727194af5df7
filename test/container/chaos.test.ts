/** Hosts that build rooms, killed at random moments. */
import { expect, it } from 'vitest';
import { CHAOS_TIMEOUT_MS, chaos, KILLS_ITSELF, SEED, VERIFICATIONS } from '../support/chaos.ts';

it(`${VERIFICATIONS} verifications, seed ${SEED}`, { timeout: CHAOS_TIMEOUT_MS }, async () => {
  expect.hasAssertions();
  await chaos('host', { args: ['--ready-rooms', '3'] }, KILLS_ITSELF);
});
