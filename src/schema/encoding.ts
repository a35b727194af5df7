/** Text forms of bytes, the same in every document: digests in hex, everything else in base64. */
import { z } from 'zod';

/** RFC 4648 §4 with padding. Whether unused bits are zero shows only when it is decoded. */
export const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const base64 = z.string().regex(BASE64, 'must be base64');

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits');
