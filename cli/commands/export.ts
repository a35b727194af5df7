/**
 * `assay export DIR --format F`: a rule's signature in the form another tool verifies. The rule is verified
 * first wherever a key is known; without one, only what needs no key is written, and said to be unverified.
 * Never writes into the rule directory, whose every file is signed, and never a private key.
 */
import { basename, resolve } from 'node:path';
import colors from 'picocolors';
import { BUNDLE_FILE, PROOF_FILE } from '../../src/rules/layout.ts';
import type { PublicKey } from '../../src/signing/ed25519.ts';
import { bareSidecar, keyedSidecar } from '../../src/signing/sidecars/formats.ts';
import { type Format, isBare, isKeyed } from '../../src/signing/sidecars/names.ts';
import { type Parts, partsOf, type Sidecar } from '../../src/signing/sidecars/parts.ts';
import { onlySigner, type Signers } from '../../src/signing/signers.ts';
import { isUnreadable, type Refused, verifyRule } from '../../src/signing/verify.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { type SignerOptions, signAnew } from '../export/sign.ts';
import { readSigningKey } from '../export/signing-key.ts';
import { writeSidecar } from '../export/write.ts';
import { note, plain, print, printJson } from '../output.ts';
import { readTree } from '../read-tree.ts';
import { loadTrust } from '../trust-options.ts';

export interface ExportOptions extends SignerOptions {
  readonly format: Format;
  readonly out?: string;
  readonly force?: boolean;
  readonly trust?: string;
  readonly key?: string;
  readonly json?: boolean;
}

export async function exportRule(directory: string, options: ExportOptions): Promise<ExitCode> {
  const files = await readTree(directory);
  const bundle = files.get(BUNDLE_FILE);
  if (bundle === undefined) {
    throw new UsageError('NOT_SIGNED', `${directory} has no ${BUNDLE_FILE}: this rule is not signed`);
  }
  files.delete(BUNDLE_FILE);
  files.delete(PROOF_FILE);
  const signers = await knownSigners(options);
  const rule = signers === null ? null : await verifyRule(bundle, signers, files);
  if (rule?.ok === false) return refused(directory, rule, options);
  const parts = await partsOf(bundle);
  if (!parts.ok) return refused(directory, parts, options);
  const sidecar = await encode(parts, rule?.signer.key ?? null, options);
  const out = options.out ?? `${basename(resolve(directory))}-${options.format}`;
  await writeSidecar(out, sidecar, { ruleDirectory: directory, force: options.force === true });
  report(out, sidecar, parts, rule !== null, options);
  return EXIT.ok;
}

/** `null` when nobody is known and nobody was named. */
async function knownSigners(options: ExportOptions): Promise<Signers | null> {
  const { trust, key, signingKey } = options;
  const given = { ...(trust === undefined ? {} : { trust }), ...(key === undefined ? {} : { key }) };
  try {
    return (await loadTrust(given)).signers;
  } catch (error) {
    const named = trust !== undefined || key !== undefined || Boolean(process.env.ASSAY_TRUST);
    if (named || !(error instanceof UsageError) || error.code !== 'NO_TRUST_ROOT') throw error;
  }
  // Whoever holds a private key knows whose signature to expect.
  return signingKey === undefined ? null : onlySigner((await readSigningKey(signingKey)).publicKey);
}

async function encode(parts: Parts, key: PublicKey | null, options: ExportOptions): Promise<Sidecar> {
  const { format } = options;
  if (isBare(format)) return bareSidecar(format, parts);
  if (key === null) {
    throw new UsageError(
      'NO_PUBLIC_KEY',
      `${format} needs the public key, and a bundle holds only its id (${plain(parts.keyId)})`,
      'give --key FILE or --trust DIR; a service has its keys at GET /v1/keys',
    );
  }
  return isKeyed(format) ? keyedSidecar(format, parts, key) : signAnew(format, parts, key, options);
}

function refused(directory: string, { reason, message }: Refused, { json }: ExportOptions): ExitCode {
  if (json === true) printJson({ ok: false, reason, message });
  else print(`${colors.red('refused')} ${plain(directory)}: ${plain(message)} (${reason})`);
  return isUnreadable(reason) ? EXIT.unknown : EXIT.no;
}

function report(
  out: string,
  sidecar: Sidecar,
  parts: Parts,
  verified: boolean,
  { format, json }: ExportOptions,
): void {
  const files = Object.keys(sidecar.files);
  if (json === true) {
    const { bundleSha256, keyId } = parts;
    const { commands } = sidecar;
    printJson({ ok: true, format, verified, bundleSha256, keyId, directory: out, files, commands });
    return;
  }
  print(`${verified ? colors.green('verified') : colors.yellow('not verified')}, written to ${plain(out)}:`);
  for (const file of files) print(`  ${file}`);
  if (sidecar.commands.length > 0) print(`in ${plain(out)}, verify with:`);
  for (const command of sidecar.commands) print(`  ${command}`);
  if (!verified) note('nobody is trusted here, so no signature was checked; give --key or --trust');
}
