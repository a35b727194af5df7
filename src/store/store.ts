/** All storage of one deployment, made from its two bindings. */
import { AttemptStore } from './attempts.ts';
import { EventStore } from './events.ts';
import { GenerationStore } from './generations.ts';
import { ObjectStore } from './objects.ts';
import { RuleStore } from './rules.ts';
import { SpendStore } from './spend.ts';
import { TrustStore } from './trust.ts';

export interface Store {
  readonly attempts: AttemptStore;
  readonly events: EventStore;
  readonly generations: GenerationStore;
  readonly objects: ObjectStore;
  readonly rules: RuleStore;
  readonly spend: SpendStore;
  readonly trust: TrustStore;
}

export function openStore(db: D1Database, bucket: R2Bucket): Store {
  return {
    attempts: new AttemptStore(db),
    events: new EventStore(db),
    generations: new GenerationStore(db),
    objects: new ObjectStore(bucket),
    rules: new RuleStore(db),
    spend: new SpendStore(db),
    trust: new TrustStore(bucket),
  };
}
