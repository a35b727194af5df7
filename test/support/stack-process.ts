/**
 * A whole stack in a process of its own, for tests that kill it. Arguments: state directory. Prints one
 * JSON line when ready, and ends with whoever started it; its model follows scripts, see scripted-model.ts.
 */
import { startModelServer } from '../../dev/model-server.ts';
import { startStack } from '../../dev/stack.ts';
import { scriptedReplies } from './scripted-model.ts';

const [stateDirectory = ''] = process.argv.slice(2);
const model = await startModelServer({ reply: scriptedReplies() });
const stack = await startStack({
  stateDirectory,
  model: { apiKey: 'test', baseUrl: model.url, id: 'test-model' },
});
process.stdout.write(`${JSON.stringify({ url: stack.url, token: stack.token })}\n`);
const stop = () => void stack.stop().then(() => process.exit(0));
process.once('SIGTERM', stop);
// A run of tests that was killed leaves nobody who would ask.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && stop(), 1_000).unref();
