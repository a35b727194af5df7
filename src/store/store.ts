/** All storage of one deployment, made from its two bindings. */
import { AttemptStore } from './attempts.ts';
import { DeliveryStore } from './deliveries.ts';
import { DeviceLoginStore } from './device-logins.ts';
import { EventStore } from './events.ts';
import { GenerationStore } from './generations.ts';
import { IdempotencyStore } from './idempotency.ts';
import { ObjectStore } from './objects.ts';
import { OwnerStore } from './owners.ts';
import { RuleStore } from './rules.ts';
import { SpendStore } from './spend.ts';
import { TasklessRequestStore } from './taskless-requests.ts';
import { TokenStore } from './tokens.ts';
import { TrustStore } from './trust.ts';
import { WebhookSecretStore } from './webhook-secrets.ts';

export interface Store {
  readonly attempts: AttemptStore;
  readonly deliveries: DeliveryStore;
  readonly devices: DeviceLoginStore;
  readonly events: EventStore;
  readonly generations: GenerationStore;
  readonly idempotency: IdempotencyStore;
  readonly objects: ObjectStore;
  readonly owners: OwnerStore;
  readonly rules: RuleStore;
  readonly spend: SpendStore;
  readonly tasklessRequests: TasklessRequestStore;
  readonly tokens: TokenStore;
  readonly trust: TrustStore;
  readonly webhookSecrets: WebhookSecretStore;
}

export function openStore(db: D1Database, bucket: R2Bucket): Store {
  return {
    attempts: new AttemptStore(db),
    deliveries: new DeliveryStore(db),
    devices: new DeviceLoginStore(db),
    events: new EventStore(db),
    generations: new GenerationStore(db),
    idempotency: new IdempotencyStore(db),
    objects: new ObjectStore(bucket),
    owners: new OwnerStore(db),
    rules: new RuleStore(db),
    spend: new SpendStore(db),
    tasklessRequests: new TasklessRequestStore(db),
    tokens: new TokenStore(db),
    trust: new TrustStore(bucket),
    webhookSecrets: new WebhookSecretStore(db),
  };
}
