/** All storage of one deployment, made from its two bindings. */
import { AttemptStore } from './attempts.ts';
import { BatchItemStore } from './batch-items.ts';
import { BatchStore } from './batches.ts';
import { EventStore } from './events.ts';
import { FirstTurnStore } from './first-turns.ts';
import { GenerationStore } from './generations.ts';
import { IdempotencyStore } from './idempotency.ts';
import { ObjectStore } from './objects.ts';
import { RuleStore } from './rules.ts';
import { SpendStore } from './spend.ts';
import { TokenStore } from './tokens.ts';
import { TrustStore } from './trust.ts';

export interface Store {
  readonly attempts: AttemptStore;
  readonly batches: BatchStore;
  readonly batchItems: BatchItemStore;
  readonly events: EventStore;
  readonly firstTurns: FirstTurnStore;
  readonly generations: GenerationStore;
  readonly idempotency: IdempotencyStore;
  readonly objects: ObjectStore;
  readonly rules: RuleStore;
  readonly spend: SpendStore;
  readonly tokens: TokenStore;
  readonly trust: TrustStore;
}

export function openStore(db: D1Database, bucket: R2Bucket): Store {
  return {
    attempts: new AttemptStore(db),
    batches: new BatchStore(db),
    batchItems: new BatchItemStore(db),
    events: new EventStore(db),
    firstTurns: new FirstTurnStore(db),
    generations: new GenerationStore(db),
    idempotency: new IdempotencyStore(db),
    objects: new ObjectStore(bucket),
    rules: new RuleStore(db),
    spend: new SpendStore(db),
    tokens: new TokenStore(db),
    trust: new TrustStore(bucket),
  };
}
