/**
 * The whole stack with the crash suite's Worker, in a process of its own. Its one argument is JSON: state
 * directory, address of the model, address of whoever decides about crashes. Prints one JSON line when ready.
 */
import { fileURLToPath } from 'node:url';
import { startStack } from '../../dev/stack.ts';

interface Options {
  readonly stateDirectory: string;
  readonly modelUrl: string;
  readonly controlUrl: string;
}

const options = JSON.parse(process.argv[2] ?? '{}') as Options;
const stack = await startStack({
  stateDirectory: options.stateDirectory,
  model: { apiKey: 'test', baseUrl: options.modelUrl, id: 'test-model' },
  entry: fileURLToPath(new URL('./worker.ts', import.meta.url)),
  // The shortest there is: what was interrupted is to go on at once.
  settings: { CRASH_CONTROL_URL: options.controlUrl, WAKE_AFTER_MS: '1000' },
});
process.stdout.write(`${JSON.stringify({ url: stack.url, token: stack.token, trust: stack.trust })}\n`);
process.stderr.write(stack.log());
const stop = () => void stack.stop().then(() => process.exit(0));
process.once('SIGTERM', stop);
// A suite that was killed leaves nobody who would ask.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && stop(), 1_000).unref();
