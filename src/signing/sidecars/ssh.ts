/**
 * OpenSSH's detached signature (SSHSIG) of the bundle file, for `ssh-keygen -Y verify`. What is signed
 * begins with its own magic and our namespace, so that it can be mistaken for nothing else (ADR 0016).
 */
import { sha512 } from '@noble/hashes/sha2.js';
import { toBase64 } from '../base64.ts';
import { joinBytes } from '../bytes.ts';
import type { PublicKey, SigningKey } from '../ed25519.ts';
import type { Parts, Sidecar } from './parts.ts';

/** Says what was signed; a signature for another purpose by the same key does not fit. */
export const SSH_NAMESPACE = 'verified-rule@assay.alt';
/** The name a verifier asks for; what it is bound to is the line in `allowed_signers`. */
const PRINCIPAL = 'assay';
const KEY_TYPE = 'ssh-ed25519';
const HASH = 'sha512';
const MAGIC = bytesOf('SSHSIG');
const VERSION = uint32(1);
const ARMOR_COLUMNS = 70;
const BUNDLE = 'rule.sigstore.json';

/** The same bundle and key give the same files. */
export function sshSidecar({ bundle }: Parts, key: SigningKey): Sidecar {
  const publicKey = keyBlob(key.publicKey);
  const head = joinBytes(field(bytesOf(SSH_NAMESPACE)), field(bytesOf('')), field(bytesOf(HASH)));
  const signature = key.sign(joinBytes(MAGIC, head, field(sha512(bundle))));
  const signatureBlob = joinBytes(field(bytesOf(KEY_TYPE)), field(signature));
  const file = joinBytes(MAGIC, VERSION, field(publicKey), head, field(signatureBlob));
  const signer = `${PRINCIPAL} namespaces="${SSH_NAMESPACE}" ${KEY_TYPE} ${toBase64(publicKey)}\n`;
  return {
    files: { [BUNDLE]: bundle, [`${BUNDLE}.sig`]: armored(file), allowed_signers: signer },
    commands: [
      `ssh-keygen -Y verify -f allowed_signers -I ${PRINCIPAL} -n ${SSH_NAMESPACE} -s ${BUNDLE}.sig < ${BUNDLE}`,
    ],
  };
}

function keyBlob(key: PublicKey): Uint8Array {
  return joinBytes(field(bytesOf(KEY_TYPE)), field(key.bytes));
}

function armored(blob: Uint8Array): string {
  const lines = toBase64(blob).match(new RegExp(`.{1,${ARMOR_COLUMNS}}`, 'g')) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

/** A `string` of the SSH protocol: length in four bytes, then the bytes. */
function field(bytes: Uint8Array): Uint8Array {
  return joinBytes(uint32(bytes.length), bytes);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
