import type { D1Migration } from '@cloudflare/vitest-plugin';
import type { BatchParams, GenerateRuleParams } from '../../src/env.ts';
import type { VerificationContainer } from '../../src/sandboxes/verification-container.ts';
import type { TransparencyLog } from '../../src/tlog/service/transparency-log.ts';
import type { DeliverWebhookParams } from '../../src/webhooks/start.ts';

declare global {
  namespace Cloudflare {
    /** What vitest.config.ts and wrangler.jsonc bind in tests. */
    interface Env {
      DB: D1Database;
      BUCKET: R2Bucket;
      GENERATE_RULE: Workflow<GenerateRuleParams>;
      BATCH: Workflow<BatchParams>;
      DELIVER_WEBHOOK: Workflow<DeliverWebhookParams>;
      TRANSPARENCY_LOG: DurableObjectNamespace<TransparencyLog>;
      VERIFICATION_CONTAINER: DurableObjectNamespace<VerificationContainer>;
      TEST_MIGRATIONS: D1Migration[];
    }
    interface GlobalProps {
      mainModule: typeof import('../../src/index.ts');
    }
  }
}

/** What tests use of Node's module; its own types would bring all of Node's globals along. */
declare module 'node:async_hooks' {
  export class AsyncLocalStorage<T> {
    getStore(): T | undefined;
    run<R>(store: T, body: () => R): R;
  }
}
