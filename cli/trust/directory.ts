/**
 * The consumer's trust directory: `trust-root.json` and `revocations.json`. Where it is comes from the caller,
 * the environment or the user's configuration, never from the repository that is being checked: whoever may
 * change what a verifier expects can bypass it.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Distrusted } from '../../src/signing/document.ts';
import { REVOCATIONS } from '../../src/signing/revocations.ts';
import { type OpenedTrust, openTrust } from '../../src/signing/trust.ts';
import { TRUST_ROOT } from '../../src/signing/trust-root.ts';
import { readUpTo, replaceFile } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import { REVOCATIONS_FILE, ROOT_FILE } from '../keys/key-directory.ts';

/** Where `assay trust update` goes when nothing is said; for convenience, trusted for nothing. */
const SOURCE_FILE = 'source.txt';
const MAX_SOURCE_BYTES = 4_096;

export function trustDirectory(given: string | undefined): string {
  if (given !== undefined) return given;
  const { ASSAY_TRUST, XDG_CONFIG_HOME = '' } = process.env;
  if (ASSAY_TRUST) return ASSAY_TRUST;
  // A relative one counts as none: it would lie in whatever repository is being checked.
  const config = isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : join(homedir(), '.config');
  return join(config, 'assay', 'trust');
}

export interface TrustDirectory {
  readonly root: Uint8Array | null;
  readonly revocations: Uint8Array | null;
  readonly source: string | null;
}

export async function readTrustDirectory(directory: string): Promise<TrustDirectory> {
  const [root, revocations, source] = await Promise.all([
    readUpTo(join(directory, ROOT_FILE), TRUST_ROOT.maxBytes),
    readUpTo(join(directory, REVOCATIONS_FILE), REVOCATIONS.maxBytes),
    readUpTo(join(directory, SOURCE_FILE), MAX_SOURCE_BYTES),
  ]);
  return { root, revocations, source: source === null ? null : new TextDecoder().decode(source).trim() };
}

/** The root first: a list under a root that is not there yet would be refused; the reverse is mended by an update. */
export async function writeTrustDirectory(
  directory: string,
  files: { readonly root: Uint8Array; readonly revocations: Uint8Array },
  source: string | null,
): Promise<void> {
  await replaceFile(join(directory, ROOT_FILE), files.root);
  await replaceFile(join(directory, REVOCATIONS_FILE), files.revocations);
  if (source !== null)
    await replaceFile(join(directory, SOURCE_FILE), new TextEncoder().encode(`${source}\n`));
}

/** @throws UsageError NO_TRUST_ROOT, or the refusal's reason in capitals, with the next move */
export async function openTrustDirectory(directory: string, now: string): Promise<OpenedTrust> {
  const { root, revocations } = await readTrustDirectory(directory);
  const opened = await openTrust(root, revocations, now);
  if (opened.ok) return opened;
  throw refusal(opened, directory);
}

function refusal({ reason, message }: Distrusted, directory: string): UsageError {
  if (reason === 'trust_root_missing') {
    return new UsageError(
      'NO_TRUST_ROOT',
      `there is no trust root in ${directory}`,
      'get one: assay trust init <service URL or directory>; or name one: --trust <dir>, or one key: --key <file>\n' +
        'of "npm run dev": --trust .assay/dev/trust',
    );
  }
  return new UsageError(reason.toUpperCase(), `${message} (${directory})`, NEXT_MOVE[reason] ?? REPAIR);
}

const UPDATE = 'get the newer documents: assay trust update';
const CLOCK = 'set the clock of this machine';
const REPAIR = 'if the files were damaged, remove the directory and start again: assay trust init <source>';
const NEXT_MOVE: Partial<Record<Distrusted['reason'], string>> = {
  trust_root_expired: `${UPDATE}; if there are none, the operator has to issue them: assay keys renew`,
  trust_root_future: CLOCK,
  trust_root_version_unknown: 'use a version of assay that knows it',
  revocations_missing: UPDATE,
  revocations_stale: `${UPDATE}; if there are none, the operator has to issue them: assay keys refresh`,
  revocations_future: CLOCK,
  revocations_threshold: UPDATE,
  revocations_signature_invalid: UPDATE,
  revocations_version_unknown: 'use a version of assay that knows it',
};
