/**
 * A stand-in for the model: answers from fixtures/model, so that a generation runs without an account and
 * always the same way. For a request that has no recording it answers 404 and says so.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CLASSIFY_SYSTEM_PROMPT } from '../src/models/prompt-classify.ts';
import { type Recording, readRecordings } from './fixtures.ts';
import {
  apiError,
  firstUserText,
  type ModelCall,
  type RecordedAnswer,
  startModelServer,
} from './model-server.ts';

/** Answers every call with the recorded reply of the request whose prompt it carries. */
export async function recordedReplies(fixturesDir: string): Promise<(call: ModelCall) => RecordedAnswer> {
  const recordings = await loadRecordings(fixturesDir);
  return (call) => {
    const asked = firstUserText(call.body);
    // The longest prompt wins, in case one prompt is a part of another.
    const recording = recordings.find(({ request }) => asked.includes(request.prompt));
    if (recording === undefined) {
      return apiError(
        404,
        'not_found_error',
        'No recorded reply for this prompt: this is the recorded model, which only knows the requests in ' +
          'fixtures/rules. To use a live model, set ANTHROPIC_API_KEY and leave out the recorded base URL.',
      );
    }
    if (asksForEngine(call.body)) return { kind: 'text', text: JSON.stringify(recording.classification) };
    const earlier = call.body.messages.filter((message) => message.role === 'assistant').length;
    const recorded = recording.replies[Math.min(earlier, recording.replies.length - 1)];
    return { kind: 'text', text: JSON.stringify(recorded?.reply) };
  };
}

async function loadRecordings(fixturesDir: string): Promise<Recording[]> {
  const recordings = await readRecordings(fixturesDir);
  return recordings.sort((a, b) => b.request.prompt.length - a.request.prompt.length);
}

/** Told by the system prompt, as a model would. */
function asksForEngine({ system }: ModelCall['body']): boolean {
  const text = typeof system === 'string' ? system : (system ?? []).map((block) => block.text).join('');
  return text === CLASSIFY_SYSTEM_PROMPT;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      fixtures: { type: 'string', default: fileURLToPath(new URL('../fixtures', import.meta.url)) },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port ${values.port} is not a port`);
  const server = await startModelServer({ port, reply: await recordedReplies(values.fixtures) });
  console.log(server.url);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
