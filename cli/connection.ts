/**
 * Where the service is and how to prove who asks: options, then environment, then what `npm run dev`
 * left for this checkout.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UsageError } from './exit.ts';

export interface Connection {
  readonly url: string;
  readonly token: string;
}

export interface ConnectionOptions {
  readonly server?: string;
  readonly token?: string;
}

/** Written by the dev command, readable by its user only. */
export const DEV_CONNECTION_FILE = join('.assay', 'dev', 'connection.json');
const devConnection = z.object({ url: z.string(), token: z.string() });

/** @throws UsageError NO_SERVER | NO_TOKEN */
export function findConnection(options: ConnectionOptions): Connection {
  const dev = readDevConnection();
  const url = options.server ?? process.env.ASSAY_URL ?? dev?.url;
  if (url === undefined) {
    throw new UsageError(
      'NO_SERVER',
      'no service is known',
      'give --server URL or set ASSAY_URL, or start one with "npm run dev"',
    );
  }
  if (!URL.canParse(url)) throw new UsageError('NO_SERVER', `${JSON.stringify(url)} is not a URL`);
  const token = options.token ?? process.env.ASSAY_TOKEN ?? (url === dev?.url ? dev.token : undefined);
  if (token === undefined)
    throw new UsageError('NO_TOKEN', 'no token is known', 'give --token TOKEN or set ASSAY_TOKEN');
  return { url: url.replace(/\/+$/, ''), token };
}

function readDevConnection(): Connection | null {
  try {
    return devConnection.parse(JSON.parse(readFileSync(DEV_CONNECTION_FILE, 'utf8')));
  } catch {
    return null;
  }
}
