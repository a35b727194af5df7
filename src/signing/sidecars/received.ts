/**
 * Sidecars that somebody else signed: believed when their signatures are by the known key over exactly this
 * bundle, and when the text is the one text this project writes. What is handed on is made here.
 */
import { fromBase64 } from '../base64.ts';
import { type PublicKey, verifySignature } from '../ed25519.ts';
import { signedSidecar } from './formats.ts';
import type { SignedFormat } from './names.ts';
import type { Parts, Sidecar } from './parts.ts';

const SIGNATURE_BYTES = 64;

/** `null` when a byte is not what the key's holder would have made of this bundle. */
export async function receivedSidecar(
  format: SignedFormat,
  parts: Parts,
  key: PublicKey,
  files: Readonly<Record<string, string>>,
): Promise<Sidecar | null> {
  const signatures = signaturesOf(format, files);
  const messages: Uint8Array[] = [];
  const recorded = {
    publicKey: key,
    sign: (message: Uint8Array) => {
      messages.push(message);
      return signatures[messages.length - 1] ?? new Uint8Array(SIGNATURE_BYTES);
    },
  };
  const sidecar = signedSidecar(format, parts, recorded);
  for (const [index, message] of messages.entries()) {
    if (!(await verifySignature(key, message, signatures[index] ?? new Uint8Array()))) return null;
  }
  const same = Object.entries(sidecar.files).every(
    ([name, content]) => typeof content !== 'string' || files[name] === content,
  );
  return same ? sidecar : null;
}

/** In the order in which they are made. */
function signaturesOf(format: SignedFormat, files: Readonly<Record<string, string>>): Uint8Array[] {
  if (format === 'ssh') {
    const armor = files['rule.sigstore.json.sig'] ?? '';
    return [tail(armor.split('\n').slice(1, -2).join(''))];
  }
  const lines = (files['rule.sigstore.json.minisig'] ?? '').split('\n');
  return [tail(lines[1] ?? ''), tail(lines[3] ?? '')];
}

function tail(base64: string): Uint8Array {
  return (fromBase64(base64) ?? new Uint8Array()).slice(-SIGNATURE_BYTES);
}
