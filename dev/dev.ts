/**
 * `npm run dev`: the whole service on this machine until Ctrl-C. Leaves its address and token where the
 * command line finds them. Without ANTHROPIC_API_KEY it answers from the recorded replies and says so.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import colors from 'picocolors';
import { DEV_CONNECTION_FILE } from '../cli/connection.ts';
import { endWithParent } from './end-with-parent.ts';
import { startModelServer } from './model-server.ts';
import { recordedReplies } from './recorded-model.ts';
import { startStack } from './stack.ts';

endWithParent();

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({ options: { port: { type: 'string', default: '8787' } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  process.stderr.write('assay: --port must be a port number\n');
  process.exit(2);
}

const { ANTHROPIC_API_KEY: apiKey, ANTHROPIC_BASE_URL: baseUrl, MODEL: id } = process.env;
const model =
  apiKey === undefined
    ? await startModelServer({ reply: await recordedReplies(join(ROOT, 'fixtures')) })
    : null;
const live = {
  apiKey: apiKey ?? 'recorded',
  ...(baseUrl === undefined ? {} : { baseUrl }),
  ...(id === undefined ? {} : { id }),
};
const connectionFile = join(ROOT, DEV_CONNECTION_FILE);

try {
  const stack = await startStack({
    stateDirectory: join(ROOT, '.assay', 'dev'),
    port,
    model: model === null ? live : { apiKey: 'recorded', baseUrl: model.url, id: 'recorded-replies' },
    onLog: (text) => process.stderr.write(colors.dim(text)),
  });
  await mkdir(dirname(connectionFile), { recursive: true });
  await writeFile(connectionFile, `${JSON.stringify({ url: stack.url, token: stack.token })}\n`, {
    mode: 0o600,
  });
  console.log(`Assay is running at ${colors.bold(stack.url)}`);
  console.log(
    model === null
      ? 'model: live'
      : 'model: RECORDED replies for fixtures/rules only; set ANTHROPIC_API_KEY for a live one',
  );
  console.log(
    'in another terminal: npx assay generate fixtures/rules/go-wrap-errors/request.json --out .assay/rules',
  );
  console.log(
    `what it signs is trusted with: npx assay verify <rule> --trust ${relative(process.cwd(), stack.trust)}`,
  );
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve);
  });
  console.log('\nstopping …');
  await rm(connectionFile, { force: true });
  await stack.stop();
} catch (error) {
  process.stderr.write(`assay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  await model?.close();
}
