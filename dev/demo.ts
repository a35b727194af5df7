/**
 * `npm run demo`: the main job on real input, on a bare machine. Starts the whole service, sends the
 * requests of fixtures/rules, follows them, writes the signed rules, verifies them offline, and shows
 * that one changed byte is refused. Exits non-zero when anything is not as it should be.
 */
import { existsSync, mkdtempSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import colors from 'picocolors';
import { ApiClient } from '../cli/client.ts';
import { follow, writeRule } from '../cli/commands/generate.ts';
import { readTree } from '../cli/read-tree.ts';
import { BUNDLE_FILE, PROOF_FILE } from '../src/rules/layout.ts';
import type { GenerationDetail } from '../src/schema/api.ts';
import type { Statement } from '../src/schema/statement.ts';
import { type PublicKey, parsePublicKey } from '../src/signing/ed25519.ts';
import { onlySigner } from '../src/signing/signers.ts';
import { type Refused, type Verified, verifyRule } from '../src/signing/verify.ts';
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

interface Result {
  readonly name: string;
  readonly generation: GenerationDetail;
  readonly seconds: number;
  readonly directory: string | null;
  readonly verification: Verified | Refused | null;
}

const { values: options } = parseArgs({
  options: {
    /** Where the signed rules and the public key go. */
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
  return entries.every((entry) =>
    entry.isDirectory() ? existsSync(join(directory, entry.name, BUNDLE_FILE)) : entry.name === 'key.pub.pem',
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
  const key = await fetchKey(stack.url);
  await mkdir(OUT, { recursive: true });
  await writeFile(join(OUT, 'key.pub.pem'), key.pem);
  const requests = (await readRequests(FIXTURES)).filter(({ id }) => options.only?.includes(id) ?? true);
  const results: Result[] = [];
  const pending = [...requests];
  const worker = async () => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      results.push(await runOne(client, next.id, next.request, key.key));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  results.sort((a, b) => (a.name < b.name ? -1 : 1));
  console.log(`\n${resultTable(results)}\n`);
  console.log(`rules and public key are in ${colors.bold(relative(process.cwd(), OUT) || OUT)}`);
  const tamperRefused = await showTamper(results, key.key);
  const allSigned = results.length > 0 && results.every((one) => one.verification?.ok === true);
  console.log(allSigned && tamperRefused ? colors.green('demo passed') : colors.red('demo failed'));
  return allSigned && tamperRefused ? 0 : 1;
}

async function fetchKey(url: string): Promise<{ pem: string; key: PublicKey }> {
  const response = await fetch(`${url}/v1/keys`);
  const { keys } = (await response.json()) as { keys: { publicKeyPem: string }[] };
  const pem = keys[0]?.publicKeyPem ?? '';
  const key = await parsePublicKey(pem);
  if (key === null) throw new Error('the service serves no usable public key');
  return { pem, key };
}

async function runOne(client: ApiClient, name: string, request: unknown, key: PublicKey): Promise<Result> {
  const startedMs = Date.now();
  const { id } = await client.create(request);
  const show = (line: string) => console.log(`${colors.dim(name.padEnd(30))} ${line}`);
  const generation = await follow(client, id, show);
  const seconds = (Date.now() - startedMs) / 1_000;
  if (generation.ruleId === null) return { name, generation, seconds, directory: null, verification: null };
  const directory = await writeRule(client, generation.ruleId, OUT);
  return { name, generation, seconds, directory, verification: await verifyDirectory(directory, key) };
}

async function verifyDirectory(directory: string, key: PublicKey): Promise<Verified | Refused> {
  const files = await readTree(directory);
  const bundle = files.get(BUNDLE_FILE) ?? new Uint8Array();
  files.delete(BUNDLE_FILE);
  files.delete(PROOF_FILE);
  return verifyRule(bundle, onlySigner(key), files);
}

function resultTable(results: readonly Result[]): string {
  return table(
    ['rule', 'attempts', 'cases', 'check lines', 'seconds', 'sandboxes', 'signature'],
    results.map((one) => [
      one.name,
      `${one.generation.attempt} of ${one.generation.attemptsMax}`,
      `${one.generation.cases.passed}/${one.generation.cases.total}`,
      String(one.generation.attempts.at(-1)?.size?.checkLines ?? '-'),
      one.seconds.toFixed(1),
      one.verification?.ok === true ? rooms(one.verification.statement) : '-',
      signatureText(one),
    ]),
  );
}

/** The rooms in which it was verified and, where a second sandbox had to agree, confirmed. */
function rooms({ predicate: { sandbox, confirmation } }: Statement): string {
  const [first, second] = [sandbox.isolation.jail, confirmation?.isolation.jail];
  return second === undefined ? first : `${first} + ${second}`;
}

function signatureText({ generation, verification }: Result): string {
  if (verification === null) return colors.red(`none: ${generation.reason?.message ?? generation.status}`);
  return verification.ok ? colors.green('verified') : colors.red(`refused: ${verification.message}`);
}

/** One byte of a copy is changed; the verifier must say no. */
async function showTamper(results: readonly Result[], key: PublicKey): Promise<boolean> {
  const directory = results.find((one) => one.directory !== null)?.directory;
  if (directory === undefined || directory === null) return false;
  const copy = join(SCRATCH, 'tampered');
  await cp(directory, copy, { recursive: true });
  const file = join(copy, 'check.ts');
  const bytes = await readFile(file);
  const at = Math.floor(bytes.length / 2);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
  const result = await verifyDirectory(copy, key);
  console.log(
    result.ok
      ? colors.red('a copy with one changed byte was ACCEPTED')
      : `a copy with byte ${at} of check.ts changed is refused: ${result.message}`,
  );
  return !result.ok;
}
