/** What the steps of a batch may use. */
import type { BatchJob } from '../../store/batches.ts';
import type { Store } from '../../store/store.ts';
import type { Job } from '../deps.ts';
import type { Economy } from './first-turns.ts';

export interface BatchDeps {
  readonly store: Store;
  readonly models: BatchModels;
  readonly economy: Economy;
  readonly now: () => Date;
  readonly wait: (ms: number) => Promise<void>;
  readonly newGenerationId: (now: Date) => string;
  /**
   * Makes the Workflow instance of a generation; one that is there already is fine.
   * @throws Fault WORKFLOW_UNAVAILABLE
   */
  readonly startGeneration: (job: Job) => Promise<void>;
  /** The same for an instance of a batch. */
  readonly startBatch: (job: BatchJob) => Promise<void>;
  /** Starts delivering the webhook that the end of a batch put into the outbox; a failure is noted only. */
  readonly tell: (job: BatchJob) => Promise<void>;
}

/** The models of the configuration. */
export interface BatchModels {
  readonly default: string;
  readonly allowed: readonly string[];
  readonly hasPrice: (model: string) => boolean;
  /** What the longest answer of the model costs; 0 when its price is not known. */
  readonly answerUsd: (model: string) => number;
}
