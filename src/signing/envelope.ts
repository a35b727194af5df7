/** DSSE 1.0.2: the bytes that are signed. */

import { joinBytes } from './bytes.ts';

const encoder = new TextEncoder();

/** Pre-authentication encoding: `DSSEv1 SP len(type) SP type SP len(body) SP body`. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = encoder.encode(payloadType);
  const head = encoder.encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  return joinBytes(head, payload);
}
