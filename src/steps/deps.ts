/** What steps may use. Clock and ids come in here, so that a step is the only place that reads them. */
import type { Model } from '../models/model.ts';
import type { Sandboxes } from '../sandboxes/sandbox.ts';
import type { SigningKey } from '../signing/ed25519.ts';
import type { Store } from '../store/store.ts';

export interface StepDeps {
  readonly store: Store;
  /** The one of the configuration. */
  readonly model: Model;
  readonly openModel: (id: string) => Model;
  readonly sandboxes: Sandboxes;
  readonly signingKey: SigningKey;
  readonly now: () => Date;
}

/** Which generation a step works for. */
export interface Job {
  readonly generationId: string;
  readonly orgId: string;
}
