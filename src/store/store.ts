/** All storage of one deployment, made from its two bindings. */
import { askAll, type Question } from './ask.ts';
import { AttemptStore } from './attempts.ts';
import { BatchItemStore } from './batch-items.ts';
import { BatchStore } from './batches.ts';
import { type Change, changeAll } from './changed.ts';
import { DeletionStore } from './deletions.ts';
import { DeliveryStore } from './deliveries.ts';
import { DeviceLoginStore } from './device-logins.ts';
import { EventStore } from './events.ts';
import { FirstTurnStore } from './first-turns.ts';
import { GenerationStore } from './generations.ts';
import { IdempotencyStore } from './idempotency.ts';
import { MetricsStore } from './metrics.ts';
import { ObjectStore } from './objects.ts';
import { OrgDeletionStore } from './org-deletions.ts';
import { OwnerStore } from './owners.ts';
import { RuleStore } from './rules.ts';
import { SpendStore } from './spend.ts';
import { StepTimeStore } from './step-times.ts';
import { TasklessRequestStore } from './taskless-requests.ts';
import { TokenStore } from './tokens.ts';
import { TrustStore } from './trust.ts';
import { WebhookSecretStore } from './webhook-secrets.ts';

export interface Store {
  readonly attempts: AttemptStore;
  readonly batches: BatchStore;
  readonly batchItems: BatchItemStore;
  readonly deletions: DeletionStore;
  readonly deliveries: DeliveryStore;
  readonly devices: DeviceLoginStore;
  readonly events: EventStore;
  readonly firstTurns: FirstTurnStore;
  readonly generations: GenerationStore;
  readonly idempotency: IdempotencyStore;
  readonly metrics: MetricsStore;
  readonly objects: ObjectStore;
  readonly orgDeletions: OrgDeletionStore;
  readonly owners: OwnerStore;
  readonly rules: RuleStore;
  readonly spend: SpendStore;
  readonly stepTimes: StepTimeStore;
  readonly tasklessRequests: TasklessRequestStore;
  readonly tokens: TokenStore;
  readonly trust: TrustStore;
  readonly webhookSecrets: WebhookSecretStore;
  /** What stores only prepare, in one call. */
  readonly ask: <T extends readonly unknown[]>(
    ...questions: { readonly [N in keyof T]: Question<T[N]> }
  ) => Promise<T>;
  /** What stores only prepare, in one transaction. For each of them whether it changed a row. */
  readonly change: (...changes: readonly Change[]) => Promise<boolean[]>;
}

/** @param pause see `ObjectStore` */
export function openStore(db: D1Database, bucket: R2Bucket, pause?: () => Promise<void>): Store {
  return {
    attempts: new AttemptStore(db),
    batches: new BatchStore(db),
    batchItems: new BatchItemStore(db),
    deletions: new DeletionStore(db, bucket),
    deliveries: new DeliveryStore(db),
    devices: new DeviceLoginStore(db),
    events: new EventStore(db),
    firstTurns: new FirstTurnStore(db),
    generations: new GenerationStore(db),
    idempotency: new IdempotencyStore(db),
    metrics: new MetricsStore(db),
    objects: new ObjectStore(bucket, pause),
    orgDeletions: new OrgDeletionStore(db, bucket),
    owners: new OwnerStore(db),
    rules: new RuleStore(db),
    spend: new SpendStore(db),
    stepTimes: new StepTimeStore(db),
    tasklessRequests: new TasklessRequestStore(db),
    tokens: new TokenStore(db),
    trust: new TrustStore(bucket),
    webhookSecrets: new WebhookSecretStore(db),
    ask: (...questions) => askAll(db, questions),
    change: (...changes) => changeAll(db, changes),
  };
}
