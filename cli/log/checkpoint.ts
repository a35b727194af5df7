/** Checkpoints as the commands read them: from a file or URL, and opened with the key that is believed. */

import { type CheckpointReason, type LogKey, openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { MAX_NOTE_BYTES } from '../../src/tlog/note.ts';
import type { TreeHead } from '../../src/tlog/tree.ts';
import { UsageError } from '../exit.ts';
import { readBytes } from './source.ts';

/** What a log is refused for. Other things that go wrong are no answer, and thrown. */
export interface LogRefused {
  readonly ok: false;
  readonly reason: CheckpointReason | 'log_shrank' | 'log_forked';
  readonly message: string;
}

export interface ReadCheckpoint {
  readonly ok: true;
  readonly head: TreeHead;
  /** The note, exactly as it was read. */
  readonly bytes: Uint8Array;
}

/** @throws UsageError NO_CHECKPOINT | BAD_CHECKPOINT for what is no checkpoint at all */
export async function readCheckpoint(place: string, key: LogKey): Promise<ReadCheckpoint | LogRefused> {
  const bytes = await readBytes(place, MAX_NOTE_BYTES);
  if (bytes === null) throw new UsageError('NO_CHECKPOINT', `there is no checkpoint at ${place}`);
  const opened = await openCheckpoint(bytes, key);
  if (opened.ok) return { ok: true, head: opened.head, bytes };
  const message = `${place}: ${opened.message}`;
  if (opened.reason.endsWith('malformed') || opened.reason === 'note_too_large') {
    throw new UsageError('BAD_CHECKPOINT', message);
  }
  return { ok: false, reason: opened.reason, message };
}
