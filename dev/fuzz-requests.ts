/**
 * Sends hostile requests to a running stack and says what came of them. Started by `dev/fuzz.ts`, which tells it
 * what to do on its standard input; not meant to be run by hand. Exit code 1 when anything was wrong.
 */
import { text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { ROUTES } from '../src/api/routes.ts';
import { type HostileRequest, hostileRequest } from '../test/support/fuzz/hostile-request.ts';
import type { FuzzJob } from '../test/support/fuzz/job.ts';
import { faultsOf, type HostileAnswer, isOurs } from '../test/support/fuzz/judge.ts';
import { RawConnection } from '../test/support/fuzz/raw-http.ts';
import { storedState } from '../test/support/fuzz/stored-state.ts';
import { Summary } from '../test/support/fuzz/summary.ts';
import { headOf } from '../test/support/fuzz/wire.ts';

const AT_ONCE = 8;
/** What is no HTTP may get no answer at all. */
const WIRE_SILENCE_MS = 500;

const { port, storage, world, seed, requests, only } = JSON.parse(await text(process.stdin)) as FuzzJob;
const before = await storedState(storage);
const summary = new Summary();
const end = only === null ? requests : only + 1;
let next = only ?? 0;
let elsewhere = 0;

const startedMs = performance.now();
await Promise.all(Array.from({ length: AT_ONCE }, work));
const seconds = (performance.now() - startedMs) / 1_000;
console.log(
  `seed ${seed}: ${summary.sent} hostile requests over ${ROUTES.length} routes in ${seconds.toFixed(0)} s`,
);
console.log(`answers: ${summary.statuses()}; ${elsewhere} of them no HTTP that reached the Worker`);
const faults = [...summary.faults(), ...differences(before, await storedState(storage))];
for (const fault of faults) console.log(`FAULT: ${fault}`);
if (faults.length === 0) {
  const tables = Object.keys(before).length;
  console.log(
    `no 5xx, every error in its shape, nothing of the other organisation, ${tables} tables as they were`,
  );
}
process.exitCode = faults.length === 0 ? 0 : 1;

async function work(): Promise<void> {
  const kept = new RawConnection(port);
  while (next < end) {
    const number = next;
    next += 1;
    const request = hostileRequest(ROUTES, world, seed, number);
    const answer = await sendTo(kept, request);
    summary.add(request, answer.status, faultsOf(request, answer, ROUTES, world));
    if (!isOurs(answer)) elsewhere += 1;
    if (only !== null) console.log(request, answer);
    if ((number + 1) % 1_000 === 0) process.stderr.write(`${number + 1} of ${end}\n`);
  }
  kept.close();
}

async function sendTo(kept: RawConnection, request: HostileRequest): Promise<HostileAnswer> {
  // What may confuse the reader of one connection gets one of its own.
  const connection = request.wire ? new RawConnection(port) : kept;
  const head = headOf(request, `127.0.0.1:${port}`);
  const silenceMs = request.wire ? WIRE_SILENCE_MS : undefined;
  const { status, headers, body } = await connection.send(head, request.body, silenceMs);
  if (request.wire) connection.close();
  const plain = headers.get('content-encoding') === 'gzip' ? gunzipSync(body) : body;
  return { status, headers, text: plain.toString() };
}

function differences(was: Record<string, string>, is: Record<string, string>): string[] {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return names
    .filter((name) => was[name] !== is[name])
    .map((name) => `${name} changed: ${was[name] ?? 'none'}, then ${is[name] ?? 'none'}`);
}
