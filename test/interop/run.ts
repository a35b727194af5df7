/**
 * `npm run test:interop`: our signatures under programs that have to be brought here first, and other
 * projects' Ed25519 vectors under our verifier, in Node and in workerd. Brings what it can without root; for
 * the rest it says why, and what was not tested. cosign is in no archive used here and is never tried.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithParent } from '../../dev/end-with-parent.ts';
import { findPrograms } from './programs.ts';
import { readVectors, VECTOR_FILES } from './vector-files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, 'node_modules', '.cache', 'assay-interop');

endWithParent();

const skipped = ['cosign: not in the Debian archive; the commands are in docs/spec/interop.md, not run'];
const { env, problems } = findPrograms(CACHE);
skipped.push(...problems);
const vectors: Record<string, string> = {};
for (const one of VECTOR_FILES) {
  const read = await readVectors(one, CACHE, process.env.ASSAY_INTEROP_VECTORS);
  if ('text' in read) vectors[one.name] = read.text;
  else
    skipped.push(`${one.name}: ${read.problem}; put ${one.file} into a folder and set ASSAY_INTEROP_VECTORS`);
}
for (const reason of skipped) process.stdout.write(`skipped: ${reason}\n`);

const work = await mkdtemp(join(tmpdir(), 'assay-interop-'));
try {
  const file = join(work, 'vectors.json');
  await writeFile(file, JSON.stringify(vectors));
  const config = ['--config', 'test/interop/vitest.config.ts'];
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const run = spawnSync(process.execPath, [vitest, 'run', ...config, ...process.argv.slice(2)], {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...env,
      ASSAY_VECTORS_FILE: file,
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    },
  });
  process.exitCode = run.status ?? 1;
} finally {
  await rm(work, { recursive: true, force: true });
}
