/**
 * Strips the types of a check once per verification, while the cases are being narrowed. What was
 * stripped lately is kept by the digest of its source, because the chunks of one verification and the
 * retries of a step bring the same check again.
 */
import { createHash } from 'node:crypto';
import { type Stripped, stripTypes } from './check.ts';
import type { VerifyRequest } from './protocol.ts';
import type { Workshop } from './rooms.ts';
import { writeTree } from './temp.ts';
import { messageOf } from './text.ts';

export type PreparedCheck =
  | { readonly dir: string; readonly code: string }
  | Exclude<Stripped, { readonly code: string }>;

const MAX_KEPT = 32;
const kept = new Map<string, string>();

/** Never rejects. */
export async function prepareCheck(
  workshop: Workshop,
  request: VerifyRequest,
  dir: string,
  signal: AbortSignal,
): Promise<PreparedCheck> {
  const source = request.rule.files['check.ts'] ?? '';
  const digest = createHash('sha256').update(source).digest('hex');
  try {
    const known = kept.get(digest);
    const stripped = known === undefined ? await stripInSlot(workshop, source, dir, signal) : { code: known };
    if (!('code' in stripped)) return stripped;
    keep(digest, stripped.code);
    return { dir: writeTree(dir, { 'check.mjs': stripped.code }), code: stripped.code };
  } catch (error) {
    return hostError(messageOf(error));
  }
}

async function stripInSlot(
  workshop: Workshop,
  source: string,
  dir: string,
  signal: AbortSignal,
): Promise<Stripped> {
  const release = await workshop.slots.acquire(signal);
  if (release === undefined) return hostError('the time for this request ran out');
  let lost = false;
  try {
    const ready = workshop.readyStrippers.take();
    const stripped = await stripTypes(workshop.jail, source, writeTree(dir, {}), signal, ready);
    lost = 'undead' in stripped && stripped.undead === true;
    return stripped;
  } finally {
    release(lost);
  }
}

/** The oldest goes first; a Map keeps the order of insertion. */
function keep(digest: string, code: string): void {
  kept.delete(digest);
  kept.set(digest, code);
  const [oldest] = kept.keys();
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}

function hostError(message: string): Exclude<Stripped, { readonly code: string }> {
  return { ending: { outcome: 'host_error', error: { name: 'HostError', message } } };
}
