/** Whether the log can be written, and what is published is what its writer has on record. */
import type { Config } from '../env.ts';
import { Fault } from '../errors.ts';
import { openCheckpoint, publicHalf } from '../tlog/checkpoint.ts';
import { readCheckpoint } from '../tlog/service/reader.ts';
import { LOG_NAME } from '../tlog/service/settings.ts';
import { type Finding, fine, type Part } from './check.ts';

export function logPart({ log, bucket }: Pick<Config, 'log' | 'bucket'>): Part {
  return {
    name: 'log',
    mend: 'rules are not published until it can be written; see "The log" in docs/operations.md',
    look: async (): Promise<Finding> => {
      if (log === null) return fine('this service keeps none (LOG_KEY is not set)');
      const key = publicHalf(log.signer);
      const size = async (note: Uint8Array) => {
        const opened = await openCheckpoint(note, key);
        if (!opened.ok)
          throw new Fault('LOG_INCONSISTENT', `a checkpoint is not of this log: ${opened.message}`);
        return opened.head.size;
      };
      // The writer first: what is published then can only be as new or newer.
      const recorded = await log.writer.get(log.writer.idFromName(LOG_NAME)).checkpoint();
      const onRecord = await size(new TextEncoder().encode(recorded));
      const published = await readCheckpoint(bucket);
      const shown = published === null ? 0 : await size(published);
      if (shown >= onRecord) return fine(`its writer answers; ${shown} entries are published`);
      return {
        state: 'degraded',
        message: `${shown} entries are published and ${onRecord} are on record; the next append publishes all`,
        next: 'if R2 was restored from a backup, read "Restore" in docs/operations.md before a rule is made',
      };
    },
  };
}
