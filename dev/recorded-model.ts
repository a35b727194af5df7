/**
 * A stand-in for the model: answers from fixtures/model, so that a generation runs without an account and
 * always the same way. For a request that has no recording it answers 404 and says so.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { type ModelReply, replySchema } from '../src/schema/reply.ts';
import { requestSchema } from '../src/schema/request.ts';
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
    const recording = recordings.find(({ prompt }) => asked.includes(prompt));
    if (recording === undefined) {
      return apiError(
        404,
        'not_found_error',
        'No recorded reply for this prompt: this is the recorded model, which only knows the requests in ' +
          'fixtures/rules. To use a live model, set ANTHROPIC_API_KEY and leave out the recorded base URL.',
      );
    }
    const earlier = call.body.messages.filter((message) => message.role === 'assistant').length;
    const reply = recording.replies[Math.min(earlier, recording.replies.length - 1)];
    return { kind: 'text', text: JSON.stringify(reply) };
  };
}

interface Recording {
  id: string;
  prompt: string;
  replies: ModelReply[];
}

async function loadRecordings(fixturesDir: string): Promise<Recording[]> {
  const ids = await readdir(join(fixturesDir, 'model'));
  const recordings = await Promise.all(ids.map((id) => loadRecording(fixturesDir, id)));
  return recordings.sort((a, b) => b.prompt.length - a.prompt.length);
}

async function loadRecording(fixturesDir: string, id: string): Promise<Recording> {
  const requestText = await readFile(join(fixturesDir, 'rules', id, 'request.json'), 'utf8');
  const { prompt } = requestSchema.parse(JSON.parse(requestText));
  const folder = join(fixturesDir, 'model', id);
  const numbers = (await readdir(folder)).flatMap((file) => /^(\d+)\.yaml$/.exec(file)?.[1] ?? []);
  if (numbers.length === 0) throw new Error(`${folder} holds no recorded reply`);
  const files = numbers.sort((a, b) => Number(a) - Number(b)).map((number) => join(folder, `${number}.yaml`));
  return { id, prompt, replies: await Promise.all(files.map(loadReply)) };
}

async function loadReply(path: string): Promise<ModelReply> {
  const reply = replySchema.safeParse(parseYaml(await readFile(path, 'utf8')));
  if (!reply.success) throw new Error(`${path} is not a reply: ${z.prettifyError(reply.error)}`);
  return reply.data;
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
