/** What steps may use. Clock and ids come in here, so that a step is the only place that reads them. */
import type { Model } from '../models/model.ts';
import type { Sandboxes } from '../sandboxes/sandbox.ts';
import type { SigningKey } from '../signing/ed25519.ts';
import type { Store } from '../store/store.ts';
import type { LogKey } from '../tlog/checkpoint.ts';

export interface StepDeps {
  readonly store: Store;
  /** The one of the configuration. */
  readonly model: Model;
  readonly openModel: (id: string) => Model;
  readonly sandboxes: Sandboxes;
  readonly signingKey: SigningKey;
  /** The first trust root that counts; `null` where none was set. */
  readonly trustRootSha256: string | null;
  /** `null` where no log is kept. */
  readonly log: BundleLog | null;
  /** Starts delivering the webhook that the end of a generation put into the outbox; a failure is noted only. */
  readonly tell: (job: Job) => Promise<void>;
  readonly now: () => Date;
}

export interface BundleLog {
  readonly key: LogKey;
  /**
   * @returns the proof (docs/spec/log.md), once the bundle is in the log; safe to ask again
   * @throws Fault LOG_UNAVAILABLE | LOG_INCONSISTENT
   */
  append(bundleSha256: string): Promise<string>;
}

/** Which generation a step works for. */
export interface Job {
  readonly generationId: string;
  readonly orgId: string;
}
