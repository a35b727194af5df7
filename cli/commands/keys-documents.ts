/** `assay keys sign|export|publish`: documents on their way to other key holders, to consumers, to a service. */
import { join } from 'node:path';
import colors from 'picocolors';
import { documentSchema, TRUST_ROOT_TYPE } from '../../src/schema/trust.ts';
import { sameBytes } from '../../src/signing/bytes.ts';
import { addSignatures, readEnvelope } from '../../src/signing/document.ts';
import { REVOCATIONS, readRevocations } from '../../src/signing/revocations.ts';
import { readRoot, TRUST_ROOT } from '../../src/signing/trust-root.ts';
import { readUpTo, replaceFile } from '../atomic-file.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { settleRevocations, settleRoot } from '../keys/issue.ts';
import {
  type KeyDirectory,
  openKeyDirectory,
  PENDING,
  pendingFiles,
  REVOCATIONS_FILE,
  ROOT_FILE,
} from '../keys/key-directory.ts';
import { readPrivateKeys } from '../keys/private-keys.ts';
import { print, printJson } from '../output.ts';
import { describeRoot } from '../trust/describe.ts';
import { type KeysOptions, report } from './keys.ts';

type Kind = typeof TRUST_ROOT | typeof REVOCATIONS;

export async function sign(file: string | undefined, options: KeysOptions): Promise<ExitCode> {
  const keys = await openKeyDirectory(options.dir).catch((error: unknown) => {
    if (error instanceof UsageError && error.code === 'NO_KEYS') return null;
    throw error;
  });
  if (keys === null) {
    if (file !== undefined) return signElsewhere(file, options);
    throw new UsageError('NO_KEYS', `${options.dir} holds no documents`, 'name the file to sign');
  }
  const pending = join(options.dir, PENDING);
  const given = file ?? (await firstPending(options.dir));
  const { bytes, kind } = await readDocument(given);
  const known = await readUpTo(
    join(pending, kind === TRUST_ROOT ? ROOT_FILE : REVOCATIONS_FILE),
    kind.maxBytes,
  );
  const merged = known === null ? bytes : await merge(kind, known, bytes);
  refuseOther(kind, keys, known);
  return report(
    options,
    kind === TRUST_ROOT ? await settleRoot(keys, merged) : [await settleRevocations(keys, merged)],
  );
}

async function firstPending(directory: string): Promise<string> {
  const [first] = await pendingFiles(directory);
  if (first !== undefined) return first;
  throw new UsageError('NOTHING_PENDING', 'no document waits for signatures here', 'name the file to sign');
}

/** On a machine that has a root key and nothing else: shows what it signs, and signs it in place. */
async function signElsewhere(file: string, options: KeysOptions): Promise<ExitCode> {
  const { bytes, kind, envelope } = await readDocument(file);
  const privateKeys = await readPrivateKeys(options.dir);
  const role = kind === TRUST_ROOT ? 'root-' : 'revocations-';
  const wanted = kind === TRUST_ROOT ? await rootKeyIds(bytes, options) : [...privateKeys.keys()];
  const here = wanted.flatMap((id) => privateKeys.get(id) ?? []).filter((one) => one.name.startsWith(role));
  if (here.length === 0) {
    throw new UsageError('NO_KEYS', `${options.dir} has no private key that signs this document`);
  }
  await replaceFile(
    file,
    addSignatures(
      kind,
      envelope,
      here.map((one) => one.key),
    ),
  );
  if (options.json === true)
    printJson({ ok: true, file, keyIds: here.map((one) => one.key.publicKey.keyId) });
  else
    print(`${colors.green('signed')} ${file} with ${here.map((one) => one.name).join(', ')}; hand it back`);
  return EXIT.ok;
}

async function rootKeyIds(bytes: Uint8Array, options: KeysOptions): Promise<readonly string[]> {
  const read = await readRoot(bytes);
  if (!read.ok) throw new UsageError('BAD_DOCUMENT', read.message);
  const { root, sha256 } = read;
  if (options.json !== true) {
    print('this is what is signed:');
    describeRoot(root, sha256, null, root.issuedAt);
  }
  return root.keys.map((one) => one.keyId);
}

async function readDocument(file: string) {
  const bytes = await readUpTo(file, REVOCATIONS.maxBytes);
  if (bytes === null) throw new UsageError('NO_FILE', `${file} is not there`);
  const kind: Kind = payloadTypeOf(bytes) === TRUST_ROOT_TYPE ? TRUST_ROOT : REVOCATIONS;
  const envelope = await readEnvelope(kind, bytes);
  if (!envelope.ok) throw new UsageError('BAD_DOCUMENT', `${file}: ${envelope.message}`);
  if (kind === REVOCATIONS) {
    const read = readRevocations(envelope.payload);
    if (!read.ok) throw new UsageError('BAD_DOCUMENT', `${file}: ${read.message}`);
  }
  return { bytes, kind, envelope };
}

function payloadTypeOf(bytes: Uint8Array): string | null {
  try {
    return documentSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).payloadType;
  } catch {
    return null;
  }
}

/** The signatures of both files; they must say the same. */
async function merge(kind: Kind, known: Uint8Array, given: Uint8Array): Promise<Uint8Array> {
  const [ours, theirs] = [await readEnvelope(kind, known), await readEnvelope(kind, given)];
  if (!ours.ok) throw new UsageError('BAD_DOCUMENT', ours.message);
  if (!theirs.ok) throw new UsageError('BAD_DOCUMENT', theirs.message);
  if (!sameBytes(ours.payload, theirs.payload)) {
    throw new UsageError(
      'OTHER_DOCUMENT',
      'this is another document than the one that waits for signatures here',
    );
  }
  const added = theirs.signatures.filter(({ keyid }) => ours.signatures.every((one) => one.keyid !== keyid));
  const signatures = [...ours.signatures, ...added];
  return addSignatures(kind, { payload: ours.payload, signatures }, []);
}

/** A document nobody here asked for is not made to count, whatever it is signed with. */
function refuseOther(kind: Kind, { directory }: KeyDirectory, known: Uint8Array | null): void {
  if (known !== null) return;
  const what = kind === TRUST_ROOT ? 'trust root' : 'revocation list';
  throw new UsageError('OTHER_DOCUMENT', `no ${what} waits for signatures in ${directory}`);
}

export async function exportKeys(options: KeysOptions & { readonly out: string }): Promise<ExitCode> {
  const keys = await openKeyDirectory(options.dir);
  const newest = keys.roots.at(-1) ?? new Uint8Array();
  for (const [at, root] of keys.roots.entries()) {
    await replaceFile(join(options.out, 'roots', `${at + 1}.json`), root);
  }
  await replaceFile(join(options.out, ROOT_FILE), newest);
  await replaceFile(join(options.out, REVOCATIONS_FILE), keys.revocationsBytes);
  const { sha256, root } = keys.root;
  if (options.json === true) printJson({ ok: true, out: options.out, sequence: root.sequence, sha256 });
  else {
    print(
      `${colors.green('exported')} ${keys.roots.length} trust roots and the revocation list to ${options.out}`,
    );
    print(`fingerprint of the newest root: ${sha256}`);
    print(`on a consumer's machine: assay trust init <copy of ${options.out}> --expect ${sha256}`);
  }
  return EXIT.ok;
}

export async function publish(options: KeysOptions & ConnectionOptions): Promise<ExitCode> {
  const keys = await openKeyDirectory(options.dir);
  const client = new ApiClient(findConnection(options));
  const published = await client.publishTrust(toPublished(keys));
  if (options.json === true) printJson(published);
  else
    print(
      `${colors.green('published')} trust root ${published.root} and revocation list ${published.revocations}`,
    );
  return EXIT.ok;
}

/** The documents as `PUT /v1/keys/trust` takes them. */
export function toPublished({ roots, revocationsBytes }: Pick<KeyDirectory, 'roots' | 'revocationsBytes'>) {
  const parse = (bytes: Uint8Array) => documentSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  return { roots: roots.map(parse), revocations: parse(revocationsBytes) };
}
