/**
 * `assay trust init|update|show`: the consumer's side. The first root is trusted on a person's word, who
 * compared its fingerprint, or on `--expect`; every later one only on the signatures of the one before.
 */
import { createInterface } from 'node:readline/promises';
import colors from 'picocolors';
import { sha256Hex } from '../../src/rules/digest.ts';
import type { Distrusted } from '../../src/signing/document.ts';
import { acceptUpdate, type Update } from '../../src/signing/trust.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { note, plain, print, printJson } from '../output.ts';
import { describe, describeJson } from '../trust/describe.ts';
import {
  openTrustDirectory,
  readTrustDirectory,
  trustDirectory,
  writeTrustDirectory,
} from '../trust/directory.ts';
import { readSource, type Source } from '../trust/source.ts';

export interface TrustCommandOptions {
  readonly trust?: string;
  readonly json?: boolean;
}

export async function initTrust(
  from: string,
  options: TrustCommandOptions & { readonly expect?: string },
): Promise<ExitCode> {
  const directory = trustDirectory(options.trust);
  if ((await readTrustDirectory(directory)).root !== null) {
    const hint = 'bring it up to date: assay trust update; or remove it first';
    throw new UsageError('TRUST_EXISTS', `${directory} holds a trust root already`, hint);
  }
  const source = await readSource(from);
  const anchor = await chooseAnchor(source, options);
  if (anchor === null) return refused(options, NOT_EXPECTED);
  const now = new Date().toISOString();
  const accepted = await acceptUpdate({ root: anchor, revocations: null }, source.offer, now);
  if (!accepted.ok) return refused(options, accepted);
  if (options.expect === undefined && !(await confirmed(accepted, now))) return EXIT.no;
  await writeTrustDirectory(directory, accepted.files, source.name);
  return report(options, directory, { ...accepted, changed: { root: true, revocations: true } }, now);
}

const NOT_EXPECTED = {
  reason: 'not_expected',
  message: 'no trust root offered has the expected fingerprint',
};

/** The root everything else is followed from: any of the chain that has the expected digest, else the newest. */
async function chooseAnchor(
  source: Source,
  { expect, json }: { readonly expect?: string; readonly json?: boolean },
): Promise<Uint8Array | null> {
  const { roots } = source.offer;
  if (expect !== undefined) {
    if (!/^[0-9a-f]{64}$/i.test(expect)) {
      throw new UsageError('BAD_FINGERPRINT', '--expect takes the SHA-256 of a trust root, 64 hex digits');
    }
    for (const root of roots) if ((await sha256Hex(root)) === expect.toLowerCase()) return root;
    return null;
  }
  const newest = roots.at(-1) ?? new Uint8Array();
  if (!source.authentic) {
    const hint = 'use https, or --expect <sha256> with what the operator told you';
    throw new UsageError('INSECURE_SOURCE', `anyone on the way could answer for ${source.name}`, hint);
  }
  // Nobody is there to compare a fingerprint, and a script must not trust whatever it is given.
  if (!process.stdin.isTTY || json === true) {
    throw new UsageError(
      'EXPECT_REQUIRED',
      `the trust root offered has the fingerprint ${await sha256Hex(newest)}, and nobody is here to compare it`,
      'compare it with what the operator told you, and give --expect <sha256>',
    );
  }
  return newest;
}

async function confirmed(accepted: Update, now: string): Promise<boolean> {
  describe(accepted, now);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    note('Compare the sha256 with what the operator told you by another way.');
    return /^y(es)?$/i.test((await prompt.question('Trust it? [y/N] ')).trim());
  } finally {
    prompt.close();
  }
}

export async function updateTrust(from: string | undefined, options: TrustCommandOptions): Promise<ExitCode> {
  const directory = trustDirectory(options.trust);
  const current = await readTrustDirectory(directory);
  if (current.root === null) {
    const hint = 'get one: assay trust init <service URL or directory>';
    throw new UsageError('NO_TRUST_ROOT', `there is no trust root in ${directory}`, hint);
  }
  const name = from ?? current.source;
  if (name === null) {
    throw new UsageError('NO_SOURCE', 'no source is known', 'give one: assay trust update <source>');
  }
  const source = await readSource(name);
  const now = new Date().toISOString();
  const accepted = await acceptUpdate({ ...current, root: current.root }, source.offer, now);
  if (!accepted.ok) return refused(options, accepted);
  await writeTrustDirectory(directory, accepted.files, source.name);
  return report(options, directory, accepted, now);
}

export async function showTrust(options: TrustCommandOptions): Promise<ExitCode> {
  const directory = trustDirectory(options.trust);
  const now = new Date().toISOString();
  const opened = await openTrustDirectory(directory, now);
  if (options.json === true) printJson({ ok: true, directory, ...describeJson(opened, now) });
  else describe(opened, now);
  return EXIT.ok;
}

function report(options: TrustCommandOptions, directory: string, accepted: Update, now: string): ExitCode {
  if (options.json === true) {
    printJson({ ok: true, directory, changed: accepted.changed, ...describeJson(accepted, now) });
    return EXIT.ok;
  }
  const { root, revocations } = accepted.changed;
  const what = [root ? 'trust root' : null, revocations ? 'revocation list' : null].filter(
    (one) => one !== null,
  );
  print(
    `${colors.green('trusted')} in ${directory}: ${what.length > 0 ? `new ${what.join(' and ')}` : 'nothing new'}`,
  );
  describe(accepted, now);
  return EXIT.ok;
}

function refused(
  options: TrustCommandOptions,
  { reason, message }: Pick<Distrusted, 'message'> & { readonly reason: string },
): ExitCode {
  if (options.json === true) printJson({ ok: false, reason, message });
  else print(`${colors.red('refused')}: ${plain(message)} (${reason}); nothing was changed`);
  return EXIT.no;
}
