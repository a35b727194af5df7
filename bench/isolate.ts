/**
 * The isolate back end: one check in a workerd process that is started for it, and one in an isolate of a
 * warm Worker Loader, side by side in one run.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unstable_startWorker } from 'wrangler';
import type { VerifyRequest, VerifyResponse } from '../container/protocol.ts';
import { bundleOf } from '../isolate/bundle.ts';
import { toChecked } from '../isolate/exit.ts';
import { roomScripts } from '../isolate/local/room-scripts.ts';
import { runIsolate } from '../isolate/local/run.ts';
import { findWorkerd, runtime } from '../isolate/local/tools.ts';
import { median } from './median.ts';
import type { Measurement } from './run.ts';

/** The runtime asks for a description of its own request over the network otherwise: no name is looked up. */
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';

const RUNS = 40;
const COLD_BUDGET_MS = 50;
const WARM_BUDGET_MS = 10;
const FILES = { 'src/a.ts': 'mark(1);\n' };
/** As most checks: it looks at its matches. One that reads files takes 5 ms more, for the runtime's node:fs. */
const CHECK = `export default (root, matches) => matches.map(({ file, line }) => ({ file, line, message: 'found' }));
`;
const MATCH = {
  rule: 'c',
  ruleId: 'c-1',
  file: 'src/a.ts',
  line: 1,
  column: 1,
  text: 'mark(1)',
  captures: {},
};

export async function measureIsolates(scratch: string): Promise<Measurement[]> {
  const [coldMs, warmMs] = [await coldStartMs(scratch), await warmLoaderMs()];
  return [
    measurement(
      `a check in a workerd process of its own, start to answer (median of ${RUNS})`,
      coldMs,
      COLD_BUDGET_MS,
    ),
    measurement(`a check in an isolate of a warm Worker Loader (median of ${RUNS})`, warmMs, WARM_BUDGET_MS),
  ];
}

function measurement(what: string, measuredMs: number, budgetMs: number): Measurement {
  return {
    what,
    measured: `${measuredMs.toFixed(1)} ms`,
    budget: `${budgetMs} ms`,
    ratio: measuredMs / budgetMs,
  };
}

/** From before the process is spawned until it has answered and is gone. */
async function coldStartMs(scratch: string): Promise<number> {
  const hostDir = join(scratch, 'isolates');
  mkdirSync(hostDir, { mode: 0o711 });
  // Isolates run as users of their own, which must be able to pass through to their sockets.
  chmodSync(scratch, 0o711);
  const walls = runtime(findWorkerd().path);
  const bundle = bundleOf(roomScripts(), CHECK, FILES);
  const runs: number[] = [];
  for (let run = 0; run <= RUNS; run += 1) {
    const startedMs = performance.now();
    const exit = await runIsolate(walls, hostDir, bundle, {
      task: { token: 'bench', matches: [MATCH] },
      timeoutMs: 10_000,
      signal: new AbortController().signal,
    });
    const tookMs = performance.now() - startedMs;
    if (toChecked(exit, 'bench').findings.length !== 1) throw new Error(`no finding: ${exit.complaint}`);
    // The first run warms the file cache.
    if (run > 0) runs.push(tookMs);
  }
  return median(runs);
}

/** As the isolate Worker itself counts it: load, run and answer of the one isolate. */
async function warmLoaderMs(): Promise<number> {
  const worker = await unstable_startWorker({
    config: fileURLToPath(new URL('../wrangler.isolate.jsonc', import.meta.url)),
    bindings: { BUILD_ID: { type: 'plain_text', value: 'sha256:bench' } },
    dev: { server: { hostname: '127.0.0.1', port: 0 }, watch: false, logLevel: 'error', inspector: false },
  });
  try {
    const url = new URL('/verify', await worker.url);
    const runs: number[] = [];
    for (let run = 0; run <= RUNS; run += 1) {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(request(run)) });
      const { results } = (await response.json()) as VerifyResponse;
      const [result] = results;
      if (result?.findings.length !== 1) throw new Error(`no finding: ${JSON.stringify(result)}`);
      // The first run starts the engine and the self-test.
      if (run > 0) runs.push(result.checkMs);
    }
    return median(runs);
  } finally {
    await worker.dispose();
  }
}

function request(run: number): VerifyRequest {
  const capture = { id: 'c-1', name: 'c', match: 'anchor', language: 'typescript', scoped: false } as const;
  const yaml = `id: c-1
language: typescript
rule: { pattern: mark($A) }
metadata: { taskless: { version: 1, kind: runtime, name: c } }
`;
  return {
    protocol: 1,
    nonce: `bench-${String(run).padStart(8, '0')}`,
    rule: {
      files: { 'check.ts': CHECK, 'captures/c.yml': yaml },
      captures: [{ ...capture, file: 'captures/c.yml' }],
    },
    cases: [{ id: 'c0', files: FILES }],
    limits: { caseTimeoutMs: 10_000, totalTimeoutMs: 60_000 },
  };
}
