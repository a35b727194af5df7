/**
 * Raw bindings to a checked `Config`, once. Anything missing or malformed is named and stops the Worker
 * before any work; nothing here has a default that would weaken security. Values never enter messages.
 */
import { z } from 'zod';
import { checkSandboxes, origin, type SandboxConfig } from './env-sandboxes.ts';
import { type WebhookConfig, webhookConfig, webhookSettings } from './env-webhooks.ts';
import { Fault } from './errors.ts';
import { LOG_LEVELS, setLogLevel } from './logger.ts';
import { priceTable } from './models/pricing.ts';
import type { ContainerGate } from './sandboxes/container-gate.ts';
import type { VerificationContainer } from './sandboxes/verification-container.ts';
import { parseSigningKey, type SigningKey } from './signing/ed25519.ts';
import type { LogSigner } from './tlog/checkpoint.ts';
import { checkLogSettings } from './tlog/service/settings.ts';
import type { TransparencyLog } from './tlog/service/transparency-log.ts';
import type { DeliverWebhookParams } from './webhooks/start.ts';

/** What the runtime hands over. Only this file reads it. */
export interface Bindings {
  readonly DB?: D1Database;
  readonly BUCKET?: R2Bucket;
  readonly GENERATE_RULE?: Workflow<GenerateRuleParams>;
  readonly BATCH?: Workflow<BatchParams>;
  readonly DELIVER_WEBHOOK?: Workflow<DeliverWebhookParams>;
  readonly VERIFICATION_CONTAINER?: DurableObjectNamespace<VerificationContainer>;
  readonly CONTAINER_GATE?: DurableObjectNamespace<ContainerGate>;
  readonly TRANSPARENCY_LOG?: DurableObjectNamespace<TransparencyLog>;
  readonly READ_LIMIT?: RateLimit;
  readonly CREATE_LIMIT?: RateLimit;
  readonly AUTH_LIMIT?: RateLimit;
  readonly SIGNING_KEY?: string;
  readonly TRUST_ROOT_SHA256?: string;
  readonly LOG_KEY?: string;
  readonly LOG_ORIGIN?: string;
  readonly API_TOKENS?: string;
  readonly ANTHROPIC_API_KEY?: string;
  readonly ANTHROPIC_BASE_URL?: string;
  readonly MODEL?: string;
  readonly MODELS?: string;
  readonly MODEL_MAX_TOKENS?: string;
  readonly MODEL_PRICES?: string;
  readonly ISOLATE?: Fetcher;
  readonly SANDBOX?: string;
  readonly SANDBOX_AGREEMENT?: string;
  readonly SANDBOX_HOST_URL?: string;
  readonly SANDBOX_HOST_TOKEN?: string;
  readonly SANDBOX_BUILD_ID?: string;
  readonly ISOLATE_HOST_URL?: string;
  readonly ISOLATE_HOST_TOKEN?: string;
  readonly ISOLATE_BUILD_ID?: string;
  readonly WAKE_AFTER_MS?: string;
  readonly ECONOMY_POLL_MS?: string;
  readonly ECONOMY_WAIT_MS?: string;
  readonly WEBHOOK_SECRET?: string;
  readonly WEBHOOK_ALLOW_PRIVATE?: string;
  readonly WEBHOOK_RETRY_DELAYS_MS?: string;
  readonly WEBHOOK_TIMEOUT_MS?: string;
  readonly LOG_LEVEL?: string;
  readonly RETENTION_DAYS?: string;
  readonly EVENT_RETENTION_DAYS?: string;
}

export interface GenerateRuleParams {
  readonly generationId: string;
  readonly orgId: string;
}

export interface BatchParams {
  readonly batchId: string;
  readonly orgId: string;
  /** Part of the instance's id; one that finds a higher number in the row stops. */
  readonly instance: number;
}

export interface TokenEntry {
  readonly orgId: string;
  /** SHA-256 of the token, lower-case hex; the token itself is never stored. */
  readonly sha256: string;
}

export interface LogConfig {
  readonly signer: LogSigner;
  readonly writer: DurableObjectNamespace<TransparencyLog>;
}

export interface Config {
  readonly db: D1Database;
  readonly bucket: R2Bucket;
  readonly workflow: Workflow<GenerateRuleParams>;
  readonly batchWorkflow: Workflow<BatchParams>;
  readonly deliver: Workflow<DeliverWebhookParams>;
  readonly signingKey: SigningKey;
  /** SHA-256 of the trust root that every published one must follow from; `null`: none is taken. */
  readonly trustRootSha256: string | null;
  /** `null`: this deployment keeps no log, and publishes without one. */
  readonly log: LogConfig | null;
  readonly tokens: readonly TokenEntry[];
  /** Counters of calls: of an organisation, of an organisation, and of an address without a valid token. */
  readonly limits: { readonly read: RateLimit; readonly create: RateLimit; readonly auth: RateLimit };
  readonly model: {
    readonly id: string;
    /** Every model a generation may be made with: the default, those with a price, and those of `MODELS`. */
    readonly allowed: readonly string[];
    readonly apiKey: string;
    readonly baseUrl: string;
    readonly maxTokens: number;
    readonly prices: z.infer<typeof priceTable>;
  };
  readonly sandboxes: SandboxConfig;
  /** A live generation without progress, or a webhook overdue, for this long is woken by the sweep. */
  readonly wakeAfterMs: number;
  /** Of batches in economy mode: when to look first, and when to wait no longer for the provider. */
  readonly economy: { readonly pollMs: number; readonly waitMs: number };
  /** `null`: this deployment sends none. */
  readonly webhooks: WebhookConfig | null;
  /** Days after its end that a generation without a rule, and the events of any, are kept; `null`: for ever. */
  readonly retention: { readonly generationsDays: number | null; readonly eventsDays: number | null };
}

const tokenList = z
  .string()
  .transform((text) => text.split(',').map((entry) => entry.trim().split('=')))
  .pipe(
    z
      .array(
        z.tuple(
          [z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}$/), z.string().regex(/^[0-9a-f]{64}$/)],
          'must be a comma-separated list of <org>=<sha-256 of the token, hex>',
        ),
      )
      .min(1),
  )
  .transform((entries): TokenEntry[] => entries.map(([orgId, sha256]) => ({ orgId, sha256 })));

const jsonText = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON' });
    return z.NEVER;
  }
});

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^[0-9]+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(z.int().min(min).max(max));

const modelList = z
  .string()
  .transform((text) => text.split(',').map((id) => id.trim()))
  .pipe(z.array(z.string().min(1).max(200), 'must be a comma-separated list of model ids'));

const MAX_RETENTION_DAYS = 36_500;

const settings = z.object({
  API_TOKENS: tokenList,
  ANTHROPIC_API_KEY: z.string().min(1),
  ANTHROPIC_BASE_URL: origin.default('https://api.anthropic.com'),
  MODEL: z.string().min(1).max(200),
  MODELS: modelList.optional(),
  MODEL_MAX_TOKENS: wholeNumber(1_000, 128_000),
  MODEL_PRICES: jsonText.pipe(priceTable),
  WAKE_AFTER_MS: wholeNumber(1_000, 3_600_000),
  ECONOMY_POLL_MS: wholeNumber(10, 3_600_000).default(30_000),
  // The provider itself ends a batch after 24 hours.
  ECONOMY_WAIT_MS: wholeNumber(10, 172_800_000).default(90_000_000),
  LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  RETENTION_DAYS: wholeNumber(1, MAX_RETENTION_DAYS).optional(),
  EVENT_RETENTION_DAYS: wholeNumber(1, MAX_RETENTION_DAYS).optional(),
  TRUST_ROOT_SHA256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of a trust root, 64 lower-case hex digits')
    .optional(),
  ...webhookSettings,
});

const checked = new WeakMap<Bindings, Promise<Config>>();

/** @throws Fault CONFIG_INVALID naming every missing or malformed setting */
export function loadConfig(bindings: Bindings): Promise<Config> {
  const known = checked.get(bindings);
  if (known !== undefined) return known;
  const loading = check(bindings);
  checked.set(bindings, loading);
  return loading;
}

async function check(bindings: Bindings): Promise<Config> {
  const problems: string[] = [];
  const { DB: db, BUCKET: bucket, GENERATE_RULE: workflow, BATCH: batchWorkflow } = bindings;
  const { DELIVER_WEBHOOK: deliver } = bindings;
  for (const name of ['DB', 'BUCKET', 'GENERATE_RULE', 'BATCH', 'DELIVER_WEBHOOK'] as const) {
    if (bindings[name] === undefined) problems.push(`${name} binding is missing`);
  }
  const limits = checkLimits(bindings, problems);
  const parsed = settings.safeParse(withoutEmpty(bindings));
  if (!parsed.success) problems.push(...describe(parsed.error, bindings));
  const sandboxes = checkSandboxes(bindings, withoutEmpty(bindings), (problem) =>
    problems.push(...(typeof problem === 'string' ? [problem] : describe(problem, bindings))),
  );
  const signingKey = bindings.SIGNING_KEY === undefined ? null : await parseSigningKey(bindings.SIGNING_KEY);
  if (signingKey === null) {
    problems.push(
      bindings.SIGNING_KEY ? 'SIGNING_KEY is not an Ed25519 PKCS#8 key' : 'SIGNING_KEY is missing',
    );
  }
  const log = await checkLog(bindings, signingKey, problems);
  if (
    problems.length > 0 ||
    !parsed.success ||
    !db ||
    !bucket ||
    !workflow ||
    !batchWorkflow ||
    !deliver ||
    !sandboxes ||
    !signingKey ||
    !limits
  ) {
    throw new Fault('CONFIG_INVALID', problems.join('; '), { details: problems });
  }
  const value = parsed.data;
  setLogLevel(value.LOG_LEVEL);
  return {
    db,
    bucket,
    workflow,
    batchWorkflow,
    deliver,
    signingKey,
    log,
    sandboxes,
    trustRootSha256: value.TRUST_ROOT_SHA256 ?? null,
    tokens: value.API_TOKENS,
    limits,
    wakeAfterMs: value.WAKE_AFTER_MS,
    economy: { pollMs: value.ECONOMY_POLL_MS, waitMs: value.ECONOMY_WAIT_MS },
    webhooks: webhookConfig(value),
    retention: {
      generationsDays: value.RETENTION_DAYS ?? null,
      eventsDays: value.EVENT_RETENTION_DAYS ?? null,
    },
    model: {
      id: value.MODEL,
      allowed: [...new Set([value.MODEL, ...Object.keys(value.MODEL_PRICES), ...(value.MODELS ?? [])])],
      apiKey: value.ANTHROPIC_API_KEY,
      baseUrl: value.ANTHROPIC_BASE_URL,
      maxTokens: value.MODEL_MAX_TOKENS,
      prices: value.MODEL_PRICES,
    },
  };
}

function checkLimits(bindings: Bindings, problems: string[]): Config['limits'] | null {
  const { READ_LIMIT: read, CREATE_LIMIT: create, AUTH_LIMIT: auth } = bindings;
  for (const name of ['READ_LIMIT', 'CREATE_LIMIT', 'AUTH_LIMIT'] as const) {
    if (bindings[name] === undefined) problems.push(`${name} binding is missing`);
  }
  return read && create && auth ? { read, create, auth } : null;
}

/** A log that is only half configured is none: rules would be published outside of it unnoticed. */
async function checkLog(
  bindings: Bindings,
  signingKey: SigningKey | null,
  problems: string[],
): Promise<LogConfig | null> {
  const checked = await checkLogSettings(bindings);
  problems.push(...checked.problems);
  const { signer } = checked;
  if (signer === null) return null;
  const writer = bindings.TRANSPARENCY_LOG;
  if (writer === undefined) problems.push('TRANSPARENCY_LOG binding is missing, but LOG_KEY is set');
  if (signer.key.publicKey.keyId === signingKey?.publicKey.keyId) {
    problems.push('LOG_KEY is the same key as SIGNING_KEY; the log needs its own');
  }
  return writer === undefined ? null : { signer, writer };
}

/** A variable set to nothing is a missing one. */
function withoutEmpty(bindings: Bindings): Record<string, unknown> {
  return Object.fromEntries(Object.entries(bindings).filter(([, value]) => value !== ''));
}

function describe(error: z.ZodError, bindings: Bindings): string[] {
  const messages = new Map<string, string>();
  for (const issue of error.issues) {
    const name = String(issue.path[0] ?? 'configuration');
    const absent = !bindings[name as keyof Bindings];
    if (!messages.has(name))
      messages.set(name, absent ? `${name} is missing` : `${name} is malformed: ${issue.message}`);
  }
  return [...messages.values()];
}
