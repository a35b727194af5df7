/** Whether the database has every table, the bucket answers, and the workflow can be asked. */
import type { Config } from '../env.ts';
import { messageOf } from '../errors.ts';
import { LAST_MIGRATION } from '../store/migrations.ts';
import { type Finding, fine, type Part } from './check.ts';

export function databasePart(db: D1Database): Part {
  return {
    name: 'database',
    mend: 'look at the D1 database of the binding DB: does it exist, and is its id the one in wrangler.jsonc?',
    look: async (): Promise<Finding> => {
      const applied = await db
        .prepare('SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1000')
        .all<{ name: string }>()
        .then(({ results }) => results.map((one) => one.name))
        .catch((error: unknown): string[] => {
          if (messageOf(error).includes('no such table')) return [];
          throw error;
        });
      if (applied.includes(LAST_MIGRATION)) return fine(`answers; migrated to ${LAST_MIGRATION}`);
      return {
        state: 'down',
        message: `lacks migration ${LAST_MIGRATION}; the last applied is ${applied[0] ?? 'none'}`,
        next: 'run "npx wrangler d1 migrations apply assay --remote"',
      };
    },
  };
}

export function objectsPart(bucket: R2Bucket): Part {
  return {
    name: 'objects',
    mend: 'look at the R2 bucket of the binding BUCKET',
    look: async () => {
      await bucket.list({ prefix: 'orgs/', limit: 1 });
      return fine('answers');
    },
  };
}

/** Asked for an instance that cannot exist: that it does not is the answer of an engine that works. */
export function workflowPart({ workflow, deliver }: Pick<Config, 'workflow' | 'deliver'>): Part {
  return {
    name: 'workflow',
    mend: 'look at the Workflows of the bindings GENERATE_RULE and DELIVER_WEBHOOK; what they do waits until they are back',
    look: async () => {
      await Promise.all([workflow, deliver].map(answers));
      return fine('answers');
    },
  };
}

async function answers(workflow: Pick<Workflow, 'get'>): Promise<void> {
  try {
    const instance = await workflow.get('health');
    await instance.status();
  } catch (error) {
    if (!messageOf(error).includes('not_found')) throw error;
  }
}
