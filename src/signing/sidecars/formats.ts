/** The encoder of each export format. Pure; a format that must be signed anew is handed the key. */
import type { PublicKey, SigningKey } from '../ed25519.ts';
import { dsseSidecar } from './dsse.ts';
import { intotoSidecar } from './intoto.ts';
import { minisignSidecar } from './minisign.ts';
import type { BareFormat, KeyedFormat, SignedFormat } from './names.ts';
import { opensslSidecar } from './openssl.ts';
import type { Parts, Sidecar } from './parts.ts';
import { signifySidecar } from './signify.ts';
import { sshSidecar } from './ssh.ts';
import { webcryptoSidecar } from './webcrypto.ts';

const BARE: Record<BareFormat, (parts: Parts) => Sidecar> = { dsse: dsseSidecar, intoto: intotoSidecar };
const KEYED: Record<KeyedFormat, (parts: Parts, key: PublicKey) => Sidecar> = {
  openssl: opensslSidecar,
  webcrypto: webcryptoSidecar,
  signify: signifySidecar,
};
const SIGNED: Record<SignedFormat, (parts: Parts, key: SigningKey) => Sidecar> = {
  minisign: minisignSidecar,
  ssh: sshSidecar,
};

export function bareSidecar(format: BareFormat, parts: Parts): Sidecar {
  return BARE[format](parts);
}

/** @throws RangeError when the key is not the one the bundle names: nobody could verify the result */
export function keyedSidecar(format: KeyedFormat, parts: Parts, key: PublicKey): Sidecar {
  sameKey(parts, key);
  return KEYED[format](parts, key);
}

/** @throws RangeError when the key is not the one the bundle names: a sidecar speaks for the same signer */
export function signedSidecar(format: SignedFormat, parts: Parts, key: SigningKey): Sidecar {
  sameKey(parts, key.publicKey);
  return SIGNED[format](parts, key);
}

function sameKey(parts: Parts, key: PublicKey): void {
  if (parts.keyId !== key.keyId) throw new RangeError('the bundle is by another key');
}
