/**
 * The whole service on one machine: sandboxes, workerd with its real D1, R2 and Workflows, and
 * the wake sweep that production runs by cron. Everything listens on loopback and ends with us.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ApiClient } from '../cli/client.ts';
import { freePort, type Guarded, startGuarded } from './processes.ts';
import { type LocalSandboxes, startSandboxes } from './sandboxes.ts';
import { type LocalState, openState } from './state.ts';
import { wranglerEnv } from './wrangler-env.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MIGRATIONS = join(ROOT, 'migrations');
const WRANGLER = join(ROOT, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
const START_TIMEOUT_MS = 60_000;
const SWEEP_EVERY_MS = 5_000;

export interface StackOptions {
  /** Keys, token and storage; kept between starts. */
  readonly stateDirectory: string;
  readonly model: { readonly apiKey: string; readonly baseUrl?: string; readonly id?: string };
  /** SHA-256 of tokens of other organisations than the stack's own, by organisation. */
  readonly otherTokens?: Readonly<Record<string, string>>;
  /** 0 or absent: any free port. */
  readonly port?: number;
  /** Gets what the Worker prints, as it prints it. */
  readonly onLog?: (text: string) => void;
  /** Another entry file of the Worker than the one of wrangler.jsonc: a test's. */
  readonly entry?: string;
  /** Further settings of the Worker, which win. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Stack {
  readonly url: string;
  readonly token: string;
  /** Trust directory for what this stack signs: `assay verify --trust`. */
  readonly trust: string;
  /** What the Worker printed lately. */
  readonly log: () => string;
  stop(): Promise<void>;
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const state = await openState(options.stateDirectory);
  const sandboxes = await startSandboxes(options.onLog ?? (() => undefined));
  try {
    const persist = join(state.directory, 'storage');
    migrate(persist);
    const port = options.port || (await freePort());
    const envFile = await writeEnv(state, sandboxes, options);
    const worker = startWorker(port, persist, envFile, options);
    const url = `http://127.0.0.1:${port}`;
    let stopSweep: () => void = () => undefined;
    const stop = async () => {
      stopSweep();
      await worker.stop();
      await sandboxes.stop();
    };
    try {
      await untilHealthy(url, worker);
      // Before anything is woken: a rule is not signed under a root that does not have its key.
      await new ApiClient({ url, token: state.token }).publishTrust(state.trust.documents);
      stopSweep = startSweep(url);
    } catch (error) {
      await stop();
      throw error;
    }
    return { url, token: state.token, trust: state.trust.directory, log: worker.log, stop };
  } catch (error) {
    await sandboxes.stop();
    throw error;
  }
}

/** Takes two seconds of every start, so what is applied already is remembered beside the database. */
function migrate(persist: string): void {
  const applied = join(persist, 'migrations-applied');
  const wanted = migrationsDigest();
  if (existsSync(applied) && readFileSync(applied, 'utf8') === wanted) return;
  const args = [WRANGLER, 'd1', 'migrations', 'apply', 'assay', '--local', '--persist-to', persist];
  const run = spawnSync(process.execPath, args, { cwd: ROOT, env: wranglerEnv(), encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`migrations failed:\n${run.stdout}\n${run.stderr}`);
  writeFileSync(applied, wanted);
}

function migrationsDigest(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(MIGRATIONS).sort())
    hash.update(`${name}\n`).update(readFileSync(join(MIGRATIONS, name)));
  return hash.digest('hex');
}

/** Secrets go through a file only its user can read: arguments are visible to every process of the machine. */
async function writeEnv(
  state: LocalState,
  sandboxes: LocalSandboxes,
  options: StackOptions,
): Promise<string> {
  const values: Record<string, string> = {
    SIGNING_KEY: bareBase64(state.trust.signingKeyPem),
    TRUST_ROOT_SHA256: state.trust.anchorSha256,
    LOG_KEY: bareBase64(state.log.keyPem),
    LOG_ORIGIN: state.log.origin,
    API_TOKENS: Object.entries({ local: state.tokenSha256, ...options.otherTokens })
      .map(([org, sha256]) => `${org}=${sha256}`)
      .join(),
    ANTHROPIC_API_KEY: options.model.apiKey,
    WAKE_AFTER_MS: '2000',
    ECONOMY_POLL_MS: '1000',
    WEBHOOK_SECRET: state.webhookSecret,
    // Receivers under development are on this machine.
    WEBHOOK_ALLOW_PRIVATE: 'true',
    ...sandboxes.settings,
    ...(options.model.baseUrl === undefined ? {} : { ANTHROPIC_BASE_URL: options.model.baseUrl }),
    ...(options.model.id === undefined ? {} : { MODEL: options.model.id }),
    ...fromEnvironment('MODEL_MAX_TOKENS', 'MODEL_PRICES'),
    ...options.settings,
  };
  const file = join(state.directory, 'worker.env');
  // Single quotes: a price table is JSON, and nothing in these values may be expanded.
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
  await writeFile(file, lines.join(''), { mode: 0o600 });
  return file;
}

/** A PEM file's content on one line. */
function bareBase64(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, '');
}

/** Settings of wrangler.jsonc that a person may want to try another value of. */
function fromEnvironment(...names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

function startWorker(
  port: number,
  persist: string,
  envFile: string,
  { entry, onLog }: StackOptions,
): Guarded {
  return startGuarded(
    process.execPath,
    [
      ...[WRANGLER, 'dev', ...(entry === undefined ? [] : [entry])],
      ...['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
      ...['--persist-to', persist, '--env-file', envFile, '--enable-containers=false'],
      ...['--show-interactive-dev-session=false', '--log-level', 'info'],
    ],
    wranglerEnv(),
    onLog,
  );
}

async function untilHealthy(url: string, worker: Guarded): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !worker.exited()) {
    const response = await fetch(`${url}/healthz`).catch(() => null);
    if (response?.ok) return;
    const body = response === null ? '' : await response.text();
    if (body.includes('CONFIG_INVALID')) throw new Error(`the Worker refuses its configuration: ${body}`);
    await wait(100);
  }
  throw new Error(`the Worker did not start:\n${worker.log()}`);
}

/** Local workerd resumes nothing by itself after a crash, so the first sweep comes at once. */
function startSweep(url: string): () => void {
  const sweep = () => void fetch(`${url}/cdn-cgi/handler/scheduled`).catch(() => undefined);
  const first = setTimeout(sweep, 1_000);
  const timer = setInterval(sweep, SWEEP_EVERY_MS);
  return () => {
    clearTimeout(first);
    clearInterval(timer);
  };
}
