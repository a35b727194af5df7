/** Digests. Text is hashed as UTF-8 of exactly the characters given; nothing is normalised silently. */

const encoder = new TextEncoder();

export async function sha256Hex(data: string | Uint8Array): Promise<string> {
  return hex(await digest('SHA-256', data));
}

/** Only for capture ids, where the Taskless convention asks for it; never for trust. */
export async function sha1Hex(data: string): Promise<string> {
  return hex(await digest('SHA-1', data));
}

/**
 * Taskless content hash of a `check.ts` (envelope version 1): one leading BOM dropped, CRLF and CR to
 * LF, exactly one trailing LF, UTF-8, SHA-256.
 */
export async function tasklessEnvelope(text: string): Promise<string> {
  const unified = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  return `1;h=sha-256;d=${await sha256Hex(`${unified.replace(/\n+$/, '')}\n`)}`;
}

/** Digest of a set of files: SHA-256 over sorted `<path>\0<sha256>\n` lines. */
export async function filesDigest(files: Readonly<Record<string, string>>): Promise<string> {
  const lines = await Promise.all(
    Object.keys(files)
      .sort()
      .map(async (path) => `${path}\0${await sha256Hex(files[path] ?? '')}\n`),
  );
  return sha256Hex(lines.join(''));
}

/** JSON with sorted keys and no white space, so that equal values have equal digests. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

async function digest(algorithm: 'SHA-256' | 'SHA-1', data: string | Uint8Array): Promise<Uint8Array> {
  const bytes = typeof data === 'string' ? encoder.encode(data) : data;
  return new Uint8Array(await crypto.subtle.digest(algorithm, new Uint8Array(bytes)));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
