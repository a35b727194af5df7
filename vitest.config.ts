import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** One project per execution environment; each mirrors a part of the source tree. */
export default defineConfig({
  test: {
    projects: [
      {
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], environment: 'node', testTimeout: 30_000 },
      },
      {
        plugins: [
          cloudflareTest(async ({ inject }) => ({
            wrangler: { configPath: './wrangler.jsonc' },
            miniflare: {
              bindings: { ...inject('bindings'), TEST_MIGRATIONS: await readD1Migrations('./migrations') },
              // The isolate Worker has a project of its own; here nothing is behind its binding.
              serviceBindings: { ISOLATE: () => new Response('not here', { status: 503 }) },
            },
          })),
        ],
        test: {
          name: 'worker',
          include: ['test/worker/**/*.test.ts'],
          globalSetup: ['test/support/services.ts'],
          setupFiles: ['test/support/migrate.ts'],
          // One Worker for all files: making one, and loading every module into it, took longer than most files.
          isolate: false,
          testTimeout: 60_000,
        },
      },
      nodeProject('container'),
      nodeProject('isolate'),
      nodeProject('cli'),
      nodeProject('e2e'),
    ],
  },
});

/** Projects that start processes: one file at a time, so that two cores are not fought over. */
function nodeProject(name: string) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: 'node' as const,
      testTimeout: 180_000,
      hookTimeout: 120_000,
      fileParallelism: false,
    },
  };
}
