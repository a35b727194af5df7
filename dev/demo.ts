/**
 * `npm run demo`: the main job on real input, on a bare machine. Starts the whole service, sends the
 * requests of fixtures/rules, follows them, writes the signed rules, verifies them offline, and shows
 * that one changed byte is refused. Exits non-zero when anything is not as it should be.
 */
import { existsSync, mkdtempSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import colors from 'picocolors';
import { ApiClient } from '../cli/client.ts';
import { writeRule } from '../cli/commands/generate.ts';
import { follow } from '../cli/follow.ts';
import { ROOT_FILE } from '../cli/keys/key-directory.ts';
import { readTree } from '../cli/read-tree.ts';
import { loadTrust } from '../cli/trust-options.ts';
import { type Decision, decide } from '../src/consumer/decide.ts';
import { BUNDLE_FILE } from '../src/rules/layout.ts';
import type { GenerationDetail } from '../src/schema/api.ts';
import type { RuleRequest } from '../src/schema/request.ts';
import type { Statement } from '../src/schema/statement.ts';
import { parsePublicKey } from '../src/signing/ed25519.ts';
import { endWithParent } from './end-with-parent.ts';
import { readRequests } from './fixtures.ts';
import { startModelServer } from './model-server.ts';
import { recordedReplies } from './recorded-model.ts';
import { type Stack, startStack } from './stack.ts';
import { table } from './table.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FIXTURES = join(ROOT, 'fixtures');
/** Generations under way at once: the sandbox uses both cores already. */
const IN_FLIGHT = 2;
/** Beside the rules: what to trust them by, as a trust directory and as one key. */
const TRUST = 'trust';
const KEY_FILE = 'key.pub.pem';

interface Result {
  readonly name: string;
  readonly generation: GenerationDetail;
  readonly seconds: number;
  readonly directory: string | null;
  readonly decision: Decision | null;
}

const { values: options } = parseArgs({
  options: {
    /** Where the signed rules, the trust directory and the public key go. */
    out: { type: 'string', default: join(ROOT, '.assay', 'demo') },
    /** Only this request; may be given several times. */
    only: { type: 'string', multiple: true },
  },
});
const OUT = resolve(options.out);
/** Keys and storage of this run; nothing of it is needed afterwards. */
const SCRATCH = mkdtempSync(join(tmpdir(), 'assay-demo-'));
endWithParent();
process.exitCode = await main();

async function main(): Promise<number> {
  const live = process.env.ANTHROPIC_API_KEY;
  console.log(intro(live !== undefined));
  if (!(await isOurs(OUT))) {
    console.error(`assay: ${OUT} holds something else than an earlier demo; choose another --out`);
    await rm(SCRATCH, { recursive: true, force: true });
    return 1;
  }
  const model =
    live === undefined ? await startModelServer({ reply: await recordedReplies(FIXTURES) }) : null;
  await rm(OUT, { recursive: true, force: true });
  let stack: Stack | null = null;
  const stopAll = async () => {
    await stack?.stop();
    await model?.close();
    await rm(SCRATCH, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopAll().finally(() => process.exit(130)));
  }
  try {
    console.log(colors.dim('starting: keys, database, verification host, workerd …'));
    stack = await startStack({
      stateDirectory: join(SCRATCH, 'state'),
      model: { apiKey: live ?? 'recorded', ...modelEndpoint(model?.url) },
    });
    return await runDemo(stack, new ApiClient({ url: stack.url, token: stack.token }));
  } catch (error) {
    console.error(
      `${colors.red('the demo failed:')} ${error instanceof Error ? error.message : String(error)}`,
    );
    return 1;
  } finally {
    await stopAll();
  }
}

/** Only an absent folder, or one that holds what a demo writes and nothing else, is ever removed. */
async function isOurs(directory: string): Promise<boolean> {
  if (!existsSync(directory)) return true;
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => null);
  if (entries === null) return false;
  const holds = (name: string, file: string) => existsSync(join(directory, name, file));
  return entries.every((entry) =>
    entry.isDirectory()
      ? holds(entry.name, BUNDLE_FILE) || (entry.name === TRUST && holds(TRUST, ROOT_FILE))
      : entry.name === KEY_FILE,
  );
}

function intro(live: boolean): string {
  if (live) return `Assay demo with a live model (${process.env.MODEL ?? 'the configured one'}).`;
  return [
    'Assay demo. The model replies are RECORDED (fixtures/model): no model is called, everything else is real.',
    'With a live model: ANTHROPIC_API_KEY=… npm run demo  (ANTHROPIC_BASE_URL and MODEL are honoured)',
  ].join('\n');
}

function modelEndpoint(recordedUrl: string | undefined): { baseUrl?: string; id?: string } {
  if (recordedUrl !== undefined) return { baseUrl: recordedUrl, id: 'recorded-replies' };
  const { ANTHROPIC_BASE_URL: baseUrl, MODEL: id } = process.env;
  return { ...(baseUrl === undefined ? {} : { baseUrl }), ...(id === undefined ? {} : { id }) };
}

async function runDemo(stack: Stack, client: ApiClient): Promise<number> {
  await mkdir(OUT, { recursive: true });
  await writeFile(join(OUT, KEY_FILE), await fetchKey(stack.url));
  await cp(stack.trust, join(OUT, TRUST), { recursive: true });
  const requests = (await readRequests(FIXTURES)).filter(({ id }) => options.only?.includes(id) ?? true);
  const results: Result[] = [];
  const pending = [...requests];
  const worker = async () => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      results.push(await runOne(client, next.id, next.request));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  results.sort((a, b) => (a.name < b.name ? -1 : 1));
  console.log(`\n${resultTable(results)}\n`);
  const tamperRefused = await showTamper(results);
  showNext(results);
  const allSigned = results.length > 0 && results.every((one) => one.decision?.kind === 'counts');
  console.log(allSigned && tamperRefused ? colors.green('demo passed') : colors.red('demo failed'));
  return allSigned && tamperRefused ? 0 : 1;
}

/** Where things are, and what to try with them. */
function showNext(results: readonly Result[]): void {
  const out = relative(process.cwd(), OUT) || '.';
  const [first] = results.flatMap((one) => (one.directory === null ? [] : [one.directory]));
  console.log(`the rules are in ${colors.bold(out)}`);
  if (first === undefined) return;
  const rule = relative(process.cwd(), first);
  console.log(`  npx assay verify ${rule} --trust ${join(out, TRUST)}`);
}

async function fetchKey(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/keys`);
  const { keys } = (await response.json()) as { keys: { publicKeyPem: string }[] };
  const pem = keys[0]?.publicKeyPem ?? '';
  if ((await parsePublicKey(pem)) === null) throw new Error('the service serves no usable public key');
  return pem;
}

async function runOne(client: ApiClient, name: string, request: RuleRequest): Promise<Result> {
  const startedMs = Date.now();
  const { id } = await client.create(request);
  const show = (line: string) => console.log(`${colors.dim(name.padEnd(30))} ${line}`);
  const generation = await follow(client, id, show);
  const seconds = (Date.now() - startedMs) / 1_000;
  if (generation.ruleId === null) return { name, generation, seconds, directory: null, decision: null };
  const directory = await writeRule(client, generation.ruleId, OUT);
  return { name, generation, seconds, directory, decision: await decideHere(directory) };
}

/** As `assay verify --trust` does, with the documents and the clock of this moment. */
async function decideHere(directory: string): Promise<Decision> {
  return decide(await readTree(directory), await loadTrust({ trust: join(OUT, TRUST) }));
}

function resultTable(results: readonly Result[]): string {
  return table(
    ['rule', 'engine', 'attempts', 'cases', 'check lines', 'seconds', 'sandboxes', 'signature'],
    results.map((one) => [
      one.name,
      one.generation.engine ?? '-',
      `${one.generation.attempt} of ${one.generation.attemptsMax}`,
      `${one.generation.cases.passed}/${one.generation.cases.total}`,
      one.generation.engine === 'sg' ? '-' : String(one.generation.attempts.at(-1)?.size?.checkLines ?? '-'),
      one.seconds.toFixed(1),
      one.decision?.kind === 'counts' ? rooms(one.decision.rule.statement) : '-',
      signatureText(one),
    ]),
  );
}

/** The rooms in which it was verified and, where a second sandbox had to agree, confirmed. */
function rooms({ predicate: { sandbox, confirmation } }: Statement): string {
  const [first, second] = [sandbox.isolation.jail, confirmation?.isolation.jail];
  return second === undefined ? first : `${first} + ${second}`;
}

function signatureText({ generation, decision }: Result): string {
  if (decision === null) return colors.red(`none: ${generation.reason?.message ?? generation.status}`);
  if (decision.kind === 'refused') return colors.red(`refused: ${decision.message}`);
  if (decision.kind === 'short') return colors.red(`refused: ${decision.violations[0]?.message}`);
  return colors.green(decision.logged === null ? 'verified' : `verified, log entry ${decision.logged.index}`);
}

/** One byte of a copy is changed; the verifier must say no. */
async function showTamper(results: readonly Result[]): Promise<boolean> {
  const directory = results.find((one) => one.directory !== null)?.directory;
  if (directory === undefined || directory === null) return false;
  const copy = join(SCRATCH, 'tampered');
  await cp(directory, copy, { recursive: true });
  const name = existsSync(join(copy, 'check.ts')) ? 'check.ts' : `${basename(directory)}.yml`;
  const file = join(copy, name);
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
  const decision = await decideHere(copy);
  console.log(
    decision.kind === 'refused'
      ? `a copy with byte ${at} of ${name} changed is refused: ${decision.message}`
      : colors.red('a copy with one changed byte was ACCEPTED'),
  );
  return decision.kind === 'refused';
}
