/**
 * Which log is believed: `--log-key`, or the log that the trust root names. What a log says of its own key
 * (`/log/key`) is never taken for it.
 */
import type { LogKey } from '../../src/tlog/checkpoint.ts';
import { parseVkey } from '../../src/tlog/note.ts';
import { readUpTo } from '../atomic-file.ts';
import { UsageError } from '../exit.ts';
import { loadTrust } from '../trust-options.ts';

/** A name of 255 characters, an id and a key. */
const MAX_VKEY_BYTES = 2_048;

export interface LogKeyOptions {
  readonly logKey?: string;
  readonly trust?: string;
}

/** @throws UsageError NO_KEY | BAD_KEY | NO_LOG_KEY, and those of the trust root */
export async function loadLogKey({ logKey, trust }: LogKeyOptions): Promise<LogKey> {
  if (logKey !== undefined) return readLogKey(logKey);
  const { log } = await loadTrust(trust === undefined ? {} : { trust });
  if (log === null) {
    const hint = 'give --log-key <file>; the operator of the log has it';
    throw new UsageError('NO_LOG_KEY', 'the trust root names no log', hint);
  }
  return log;
}

async function readLogKey(file: string): Promise<LogKey> {
  const bytes = await readUpTo(file, MAX_VKEY_BYTES);
  if (bytes === null) throw new UsageError('NO_KEY', `cannot read the key file ${file}`);
  const parsed = await parseVkey(new TextDecoder().decode(bytes));
  if (parsed !== null) return { origin: parsed.name, key: parsed.key };
  throw new UsageError(
    'BAD_KEY',
    `${file} is not the Ed25519 key of a log`,
    'it is one line, like example.com/log+530d903a+AekyeR…',
  );
}
