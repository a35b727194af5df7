/** Global set-up of the worker tests: a scripted model, the real verification host, a receiver of webhooks, on loopback. */
import { createHash, randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { startVerificationHost } from '../../cli/verification-host.ts';
import { startModelServer } from '../../dev/model-server.ts';
import { privateKeyPem } from '../../src/signing/ed25519.ts';
import { scriptedReplies } from './scripted-model.ts';
import { startWebhookReceiver } from './webhook-receiver.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const model = await startModelServer({ reply: scriptedReplies() });
  const host = await startVerificationHost();
  const receiver = await startWebhookReceiver();
  const tokens = { first: randomBytes(16).toString('hex'), second: randomBytes(16).toString('hex') };
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  project.provide('tokens', tokens);
  project.provide('everyFault', process.env.ASSAY_FAULTS_ALL === '1');
  project.provide('receiver', receiver.url);
  project.provide('bindings', {
    SIGNING_KEY: privateKeyPem(randomBytes(32)),
    LOG_KEY: privateKeyPem(randomBytes(32)),
    LOG_ORIGIN: 'assay.test/log',
    API_TOKENS: `first=${sha256(tokens.first)},second=${sha256(tokens.second)}`,
    ANTHROPIC_API_KEY: 'test',
    ANTHROPIC_BASE_URL: model.url,
    MODEL: 'test-model',
    MODELS: 'other-model',
    MODEL_PRICES: JSON.stringify({
      'test-model': {
        inputUsdPerMTok: 1,
        outputUsdPerMTok: 5,
        cacheWriteUsdPerMTok: 1.25,
        cacheReadUsdPerMTok: 0.1,
      },
    }),
    ECONOMY_POLL_MS: '50',
    WEBHOOK_SECRET: randomBytes(32).toString('hex'),
    WEBHOOK_ALLOW_PRIVATE: 'true',
    WEBHOOK_RETRY_DELAYS_MS: '50,50,50',
    WEBHOOK_TIMEOUT_MS: '20000',
    LOG_LEVEL: 'warn',
    SANDBOX: 'host',
    SANDBOX_HOST_URL: host.url,
    SANDBOX_HOST_TOKEN: host.token,
    SANDBOX_BUILD_ID: host.buildId,
  });
  return async () => {
    await model.close();
    await host.stop();
    await receiver.close();
  };
}
