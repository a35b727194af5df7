/** All storage of one deployment, made from its two bindings. */
import { AttemptStore } from './attempts.ts';
import { DeletionStore } from './deletions.ts';
import { DeliveryStore } from './deliveries.ts';
import { EventStore } from './events.ts';
import { GenerationStore } from './generations.ts';
import { IdempotencyStore } from './idempotency.ts';
import { MetricsStore } from './metrics.ts';
import { ObjectStore } from './objects.ts';
import { OrgDeletionStore } from './org-deletions.ts';
import { RuleStore } from './rules.ts';
import { SpendStore } from './spend.ts';
import { StepTimeStore } from './step-times.ts';
import { TokenStore } from './tokens.ts';
import { TrustStore } from './trust.ts';
import { WebhookSecretStore } from './webhook-secrets.ts';

export interface Store {
  readonly attempts: AttemptStore;
  readonly deletions: DeletionStore;
  readonly deliveries: DeliveryStore;
  readonly events: EventStore;
  readonly generations: GenerationStore;
  readonly idempotency: IdempotencyStore;
  readonly metrics: MetricsStore;
  readonly objects: ObjectStore;
  readonly orgDeletions: OrgDeletionStore;
  readonly rules: RuleStore;
  readonly spend: SpendStore;
  readonly stepTimes: StepTimeStore;
  readonly tokens: TokenStore;
  readonly trust: TrustStore;
  readonly webhookSecrets: WebhookSecretStore;
}

export function openStore(db: D1Database, bucket: R2Bucket): Store {
  return {
    attempts: new AttemptStore(db),
    deletions: new DeletionStore(db, bucket),
    deliveries: new DeliveryStore(db),
    events: new EventStore(db),
    generations: new GenerationStore(db),
    idempotency: new IdempotencyStore(db),
    metrics: new MetricsStore(db),
    objects: new ObjectStore(bucket),
    orgDeletions: new OrgDeletionStore(db, bucket),
    rules: new RuleStore(db),
    spend: new SpendStore(db),
    stepTimes: new StepTimeStore(db),
    tokens: new TokenStore(db),
    trust: new TrustStore(bucket),
    webhookSecrets: new WebhookSecretStore(db),
  };
}
