import { defineConfig } from 'vitest/config';

/** Started by `run.ts`, which brings the client. */
export default defineConfig({
  test: {
    include: ['test/taskless/*.test.ts'],
    environment: 'node',
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
