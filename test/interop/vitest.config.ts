import { readFileSync } from 'node:fs';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

/** Started by `run.ts`, which says what could not be had. The vectors run on both platforms. */
const file = process.env.ASSAY_VECTORS_FILE;
const vectors = file === undefined ? {} : JSON.parse(readFileSync(file, 'utf8'));
const platforms = {
  include: ['test/interop/platforms/*.test.ts'],
  provide: { ed25519Vectors: { wycheproof: '', speccheck: '', ...vectors } },
};

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'programs', include: ['test/interop/*.test.ts'], environment: 'node' } },
      { test: { name: 'node', environment: 'node', ...platforms } },
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-10-01' } })],
        test: { name: 'workerd', ...platforms },
      },
    ],
  },
});
