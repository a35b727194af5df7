import { defineConfig } from 'vitest/config';

/** Not one of the projects of `npm test`: it needs a Docker engine. Started by run.ts. */
export default defineConfig({
  test: {
    include: ['test/docker/**/*.test.ts'],
    environment: 'node',
    testTimeout: 300_000,
    hookTimeout: 180_000,
    fileParallelism: false,
  },
});
