/** `assay log` as a process: over a directory and over HTTP, an honest log and others. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signCheckpoint } from '../../src/tlog/checkpoint.ts';
import { encodeVkey } from '../../src/tlog/note.ts';
import { signedRule } from '../support/signed.ts';
import { bundle, logFiles, logSigner, memoryLog, proofText } from '../support/tlog.ts';
import { assayIn, type Run } from './support.ts';

let scratch: string;
let server: Server;
let url: string;
/** What the server answers, by path; `null` for a path means 500. */
const served = new Map<string, Uint8Array | null>();

const SIZE = 600;
const log = memoryLog(SIZE);
const fork = memoryLog(
  SIZE,
  Array.from({ length: SIZE }, (_, n) => bundle(n === 3 ? 9_999 : n)),
);
const { signer, logKey } = await logSigner();
const stranger = await logSigner(6);

const assay = (...args: string[]): Promise<Run> => assayIn(scratch, args);
const verify = (...args: string[]) => assay('log', 'verify', ...args, '--log-key', 'log.vkey');
const put = async (path: string, bytes: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(join(scratch, path)), { recursive: true });
  await writeFile(join(scratch, path), bytes);
};

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'assay-log-'));
  await put('log.vkey', `${await encodeVkey({ name: logKey.origin, key: logKey.key })}\n`);
  for (const [path, bytes] of await logFiles(log, SIZE, signer)) {
    await put(`log/${path}`, bytes);
    served.set(`/log/${path}`, bytes);
  }
  for (const [path, bytes] of await logFiles(fork, SIZE, signer)) await put(`fork/${path}`, bytes);
  for (const size of [0, 1, 256, 300])
    await put(`${size}.txt`, await signCheckpoint(await log.head(size), signer));
  await put('fork-300.txt', await signCheckpoint(await fork.head(300), signer));
  await put('stranger-300.txt', await signCheckpoint(await log.head(300), stranger.signer));
  server = createServer((request, response) => {
    const bytes = served.get(request.url ?? '');
    response.statusCode = bytes === null ? 500 : bytes === undefined ? 404 : 200;
    response.end(bytes ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(scratch, { recursive: true, force: true });
});

describe('assay log verify', () => {
  test('a log that only grew: from files, with the log beside the newer checkpoint, and over HTTP', async () => {
    const local = await verify('300.txt', 'log/checkpoint');
    expect(local, local.stderr).toMatchObject({
      code: 0,
      stdout: 'consistent example.com/log only grew, from 300 to 600 entries\n',
    });
    const remote = await verify('256.txt', `${url}/log/checkpoint`, '--json');
    expect(JSON.parse(remote.stdout)).toEqual({
      ok: true,
      origin: 'example.com/log',
      oldSize: 256,
      newSize: 600,
    });
    expect(remote.code).toBe(0);
    expect(await verify('0.txt', 'log/checkpoint', '--log', `${url}/nowhere`)).toMatchObject({ code: 0 });
    expect(await verify('300.txt', '300.txt')).toMatchObject({ code: 0 });
  });

  test.each<[string, () => string[], string]>([
    ['another history', () => ['fork-300.txt', 'log/checkpoint'], 'log_forked'],
    ['another history, from the other side', () => ['300.txt', 'fork/checkpoint'], 'log_forked'],
    ['two roots of one size', () => ['300.txt', 'fork-300.txt'], 'log_forked'],
    ['a log that shrank', () => ['log/checkpoint', '300.txt'], 'log_shrank'],
    ['a checkpoint by another key', () => ['stranger-300.txt', 'log/checkpoint'], 'signer_unknown'],
  ])('%s is refused, exit code 1', async (_what, args, reason) => {
    const run = await verify(...args(), '--json');
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false, reason });
    expect(run.code).toBe(1);
  });

  test('tiles of another log, of no log, or cut short are no answer, never a conviction', async () => {
    expect(await verify('256.txt', 'log/checkpoint', '--log', 'fork')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('do not hash to the root'),
    });
    expect(await verify('256.txt', 'log/checkpoint', '--log', `${url}/nowhere`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot be had'),
    });
    served.set('/short/tile/1/000.p/2', new Uint8Array(32));
    expect(await verify('256.txt', 'log/checkpoint', '--log', `${url}/short`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('bytes long'),
    });
    served.set('/broken/tile/1/000.p/2', null);
    expect(await verify('256.txt', 'log/checkpoint', '--log', `${url}/broken`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('answers 500'),
    });
  });

  test.each<[string, string[], string]>([
    ['a checkpoint that is not there', ['none', 'log/checkpoint'], 'there is no checkpoint'],
    ['a file that is none', ['log.vkey', 'log/checkpoint'], 'not a signed note'],
    ['a directory', ['log', 'log/checkpoint'], 'cannot be read'],
    ['one argument', ['300.txt'], 'missing required argument'],
    ['no log', ['1.txt', '300.txt'], 'no log is known'],
  ])('%s is no answer, exit code 2', async (_what, args, message) => {
    expect(await verify(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });

  test('without a key there is no answer, whatever the log says of its own', async () => {
    const run = await assay('log', 'verify', '300.txt', 'log/checkpoint', '--trust', 'nowhere');
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('trust root') });
    const bad = await assay('log', 'verify', '300.txt', 'log/checkpoint', '--log-key', '300.txt');
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining('not the Ed25519 key of a log') });
  });
});

describe('assay log checkpoint', () => {
  test('shows it, and writes it as it was signed, once', async () => {
    const checkpoint = (...args: string[]) => assay('log', 'checkpoint', '--log-key', 'log.vkey', ...args);
    const shown = await checkpoint('--log', `${url}/log/`);
    expect(shown, shown.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('600 entries, root '),
    });
    expect(await checkpoint('--log', 'log', '--out', 'kept.txt')).toMatchObject({
      code: 0,
      stdout: 'kept.txt\n',
    });
    expect(await readFile(join(scratch, 'kept.txt'))).toEqual(
      await readFile(join(scratch, 'log/checkpoint')),
    );
    expect(await checkpoint('--log', 'log', '--out', 'kept.txt')).toMatchObject({ code: 2 });
    expect(await checkpoint('--log', 'fork', '--json')).toMatchObject({ code: 0 });
    expect(await checkpoint()).toMatchObject({ code: 2, stderr: expect.stringContaining('ASSAY_URL') });
  });
});

describe('assay log proof', () => {
  const check = (...args: string[]) => assay('log', 'proof', 'rule', '--log-key', 'log.vkey', ...args);

  test('says whether the bundle is in the log', async () => {
    const { bundle: bytes, bundleSha256 } = await signedRule();
    const own = memoryLog(5, [bundle(0), bundle(1), bundleSha256, bundle(3), bundle(4)]);
    await put('rule/rule.sigstore.json', bytes);
    expect(await check()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing shows that it is logged'),
    });
    await put('rule/rule.tlog-proof', await proofText(own, 2, 5, signer));
    expect(await check()).toMatchObject({
      code: 0,
      stdout: 'logged rule: entry 2 of 5 in example.com/log\n',
    });
    expect(JSON.parse((await check('--json')).stdout)).toEqual({
      ok: true,
      origin: 'example.com/log',
      bundleSha256,
      index: 2,
      size: 5,
    });
    await put('rule/rule.tlog-proof', await proofText(own, 3, 5, signer));
    expect(await check()).toMatchObject({ code: 1, stdout: expect.stringContaining('not_included') });
    await put('rule/rule.tlog-proof', await proofText(own, 2, 5, stranger.signer));
    expect(await check()).toMatchObject({ code: 1, stdout: expect.stringContaining('signer_unknown') });
    await put('rule/rule.tlog-proof', 'nothing\n');
    expect(await check()).toMatchObject({ code: 2, stdout: expect.stringContaining('proof_malformed') });
    expect(await assay('log', 'proof', 'log', '--log-key', 'log.vkey')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not signed'),
    });
  });
});
