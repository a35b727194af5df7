/** The log's own settings: its key and its name. Both or none; half of them is a mistake, never a default. */
import { parseSigningKey } from '../../signing/ed25519.ts';
import type { LogSigner } from '../checkpoint.ts';
import { isKeyName } from '../note.ts';

export interface LogSettings {
  readonly LOG_KEY?: string | undefined;
  readonly LOG_ORIGIN?: string | undefined;
}

export interface CheckedLog {
  /** `null` when this deployment keeps no log. */
  readonly signer: LogSigner | null;
  /** What is wrong, without values. */
  readonly problems: readonly string[];
}

export async function checkLogSettings({ LOG_KEY, LOG_ORIGIN }: LogSettings): Promise<CheckedLog> {
  if (!LOG_KEY && !LOG_ORIGIN) return { signer: null, problems: [] };
  const problems: string[] = [];
  if (!LOG_KEY) problems.push('LOG_KEY is missing, but LOG_ORIGIN is set');
  if (!LOG_ORIGIN) problems.push('LOG_ORIGIN is missing, but LOG_KEY is set');
  const key = LOG_KEY ? await parseSigningKey(LOG_KEY) : null;
  if (LOG_KEY && key === null) problems.push('LOG_KEY is not an Ed25519 PKCS#8 key');
  if (LOG_ORIGIN && !isKeyName(LOG_ORIGIN)) {
    problems.push('LOG_ORIGIN is malformed: must be a name without spaces and plus, like example.com/log');
  }
  if (problems.length > 0 || key === null || !LOG_ORIGIN) return { signer: null, problems };
  return { signer: { origin: LOG_ORIGIN, key }, problems };
}
