import { defineConfig } from 'vitest/config';

/** Started by `run.ts`. One file, which starts a whole stack several times. */
export default defineConfig({
  test: {
    name: 'restore',
    include: ['test/restore/*.test.ts'],
    environment: 'node',
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
});
