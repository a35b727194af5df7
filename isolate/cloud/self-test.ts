/** Measures the walls of the Worker Loader with the probe, once per instance of this Worker. */

import { SELF_TEST_TIMEOUT_MS } from '../../container/limits.ts';
import type { IsolationReport } from '../../container/protocol.ts';
import { bundleOf } from '../bundle.ts';
import { toChecked } from '../exit.ts';
import { judgeProbe, PROBE_FILES, readProbe } from '../isolation.ts';
import probe from '../room/probe.mjs';
import { ROOM_SCRIPTS } from './assets.ts';
import { runLoaded } from './loader.ts';

const TOKEN = 'self-test';
const CANARY = 'assay-canary-of-the-isolate-worker';

export async function measureIsolation(loader: WorkerLoader): Promise<IsolationReport> {
  const bundle = bundleOf(ROOM_SCRIPTS, probe as unknown as string, PROBE_FILES);
  // No port and no file of ours: there is no machine here whose listeners could be visited.
  const task = {
    canary: CANARY,
    canaryFile: '/canary/file',
    tempFile: '/tmp/probe',
    hostPid: 1,
    door: { host: '127.0.0.1', port: 8787 },
    path: '/door',
  };
  const exit = await runLoaded(loader, bundle, {
    token: TOKEN,
    matches: [task as never],
    timeoutMs: SELF_TEST_TIMEOUT_MS,
    signal: new AbortController().signal,
  });
  const seen = readProbe(toChecked(exit, TOKEN));
  console.log(JSON.stringify({ event: 'self-test', seen, complaint: exit.complaint, failure: exit.failure }));
  if (seen.showsCase === false) throw new Error('this runtime does not show a case as Node would');
  return judgeProbe(seen, {
    jail: 'worker-loader',
    visits: 0,
    lookedUp: false,
    leaked: false,
    kernel: undefined,
  });
}
