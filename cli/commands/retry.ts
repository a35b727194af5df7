/** `assay retry ID`: asks for a new generation of one that has ended, and follows it. */
import { ApiClient } from '../client.ts';
import { findConnection } from '../connection.ts';
import type { ExitCode } from '../exit.ts';
import { note } from '../output.ts';
import { type GenerateOptions, untilEnded } from './generate.ts';

export interface RetryOptions extends GenerateOptions {
  readonly guidance?: string;
  readonly attempts?: number;
  readonly model?: string;
  readonly fromAttempt?: number;
  readonly force?: boolean;
}

export async function retry(id: string, options: RetryOptions): Promise<ExitCode> {
  const client = new ApiClient(findConnection(options));
  const { guidance, attempts, model, fromAttempt, force } = options;
  // What was not given is left out of the JSON.
  const made = await client.retry(id, { guidance, attempts, model, fromAttempt, force });
  note(`generation ${made.id}, a retry of ${id}`);
  return untilEnded(client, made.id, options);
}
