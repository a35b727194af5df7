/**
 * Where trust documents come from: a directory (`assay keys export`), or a service's `GET /v1/keys`. What is
 * read is bounded and parsed for its shape; whether it is to be trusted is decided elsewhere, by signatures.
 */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../src/errors.ts';
import { documentSchema, MAX_ROOTS } from '../../src/schema/trust.ts';
import { encodeDocument } from '../../src/signing/document.ts';
import { REVOCATIONS } from '../../src/signing/revocations.ts';
import type { TrustOffer } from '../../src/signing/trust.ts';
import { TRUST_ROOT } from '../../src/signing/trust-root.ts';
import { readUpTo } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import { REVOCATIONS_FILE, ROOT_FILE } from '../keys/key-directory.ts';

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

export interface Source {
  /** As it is kept for the next update: a URL, or an absolute path. */
  readonly name: string;
  /** A path of this machine, or a connection that nobody else can speak in. */
  readonly authentic: boolean;
  readonly offer: TrustOffer;
}

/** @throws UsageError NO_SOURCE | SOURCE_UNREACHABLE | BAD_ANSWER | NO_TRUST_PUBLISHED | UNREADABLE_FILE */
export async function readSource(source: string): Promise<Source> {
  if (/^https?:\/\//i.test(source)) return readService(source);
  const name = resolve(source);
  const stats = await stat(name).catch(() => null);
  if (stats === null || !stats.isDirectory()) {
    const hint = 'give a directory from "assay keys export", or the URL of a service';
    throw new UsageError('NO_SOURCE', `${source} is neither a directory nor a URL`, hint);
  }
  return { name, authentic: true, offer: await readDirectory(name) };
}

async function readDirectory(directory: string): Promise<TrustOffer> {
  const newest = await readUpTo(join(directory, ROOT_FILE), TRUST_ROOT.maxBytes);
  if (newest === null) {
    throw new UsageError('NO_SOURCE', `${directory} holds no ${ROOT_FILE}`);
  }
  const names = await readdir(join(directory, 'roots')).catch(() => []);
  const numbers = names.flatMap((name) => /^([1-9][0-9]{0,8})\.json$/.exec(name)?.[1] ?? []).map(Number);
  const roots: Uint8Array[] = [];
  for (const number of numbers.sort((a, b) => a - b).slice(-MAX_ROOTS)) {
    const bytes = await readUpTo(join(directory, 'roots', `${number}.json`), TRUST_ROOT.maxBytes);
    if (bytes !== null) roots.push(bytes);
  }
  const revocations = await readUpTo(join(directory, REVOCATIONS_FILE), REVOCATIONS.maxBytes);
  return { roots: roots.length > 0 ? roots : [newest], revocations };
}

const answerSchema = z.object({
  trustRoot: documentSchema.nullish(),
  roots: z.array(documentSchema).max(MAX_ROOTS).nullish(),
  revocations: documentSchema.nullish(),
});

async function readService(source: string): Promise<Source> {
  const base = source.replace(/\/+$/, '').replace(/\/v1\/keys$/, '');
  if (!URL.canParse(base)) throw new UsageError('NO_SOURCE', `${source} is no URL`);
  const answer = answerSchema.safeParse(await fetchJson(`${base}/v1/keys`));
  if (!answer.success) {
    throw new UsageError('BAD_ANSWER', `${base} does not answer like an Assay service`);
  }
  const { trustRoot, roots, revocations } = answer.data;
  if (!trustRoot || !revocations) {
    const hint = 'its operator publishes one with: assay keys publish';
    throw new UsageError('NO_TRUST_PUBLISHED', `${base} publishes no trust root`, hint);
  }
  const encode = (document: z.infer<typeof documentSchema>) =>
    new TextEncoder().encode(encodeDocument(document));
  const offer = {
    roots: (roots && roots.length > 0 ? roots : [trustRoot]).map(encode),
    revocations: encode(revocations),
  };
  const { protocol, hostname } = new URL(base);
  const authentic = protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
  return { name: base, authentic, offer };
}

async function fetchJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of response.body ?? []) {
      bytes += part.byteLength;
      if (bytes > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
      parts.push(part);
    }
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new UsageError('SOURCE_UNREACHABLE', `cannot read ${url}: ${messageOf(cause)}`);
  }
}
