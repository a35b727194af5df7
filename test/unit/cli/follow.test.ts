/** Following a generation: every event once, however the stream of them ends. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { ApiClient } from '../../../cli/client.ts';
import { follow } from '../../../cli/follow.ts';

let server: Server | undefined;
afterEach(() => server?.close());

const EVENTS = [
  { seq: 1, type: 'started', data: { cases: 2, attempts: 5 }, at: '' },
  { seq: 4, type: 'model_called', data: { attempt: 1, model: 'm' }, at: '' },
  { seq: 7, type: 'ended', data: { status: 'signed', message: 'all 2 cases pass' }, at: '' },
] as const;
const LINES = ['started: 2 cases, at most 5 attempts', 'attempt 1: asking m', 'signed: all 2 cases pass'];

/** A service whose stream is `stream`, and which otherwise answers what there is. */
async function serve(stream: (request: IncomingMessage, response: ServerResponse) => void) {
  const listening = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (request.headers.accept === 'text/event-stream') return stream(request, response);
    response.setHeader('content-type', 'application/json');
    const after = Number(url.searchParams.get('after'));
    if (url.pathname.endsWith('/events'))
      return response.end(JSON.stringify({ events: EVENTS.filter((one) => one.seq > after) }));
    return response.end(JSON.stringify({ id: 'gen-1', status: 'signed', attempts: [] }));
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return new ApiClient({ url: `http://127.0.0.1:${address.port}`, token: 't' });
}

const block = (one: (typeof EVENTS)[number]) =>
  `id: ${one.seq}\nevent: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`;
const begin = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });

test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
  ['to its end', (_, response) => begin(response).end(`: hello\n\n${EVENTS.map(block).join('')}`)],
  ['ends early', (_, response) => begin(response).end(block(EVENTS[0]))],
  [
    'breaks off in the middle of an event',
    (_, response) => {
      begin(response).write(`${block(EVENTS[0])}${block(EVENTS[1]).slice(0, 20)}`, () => response.destroy());
    },
  ],
  ['makes no sense', (_, response) => begin(response).end(`${block(EVENTS[0])}data: {\n\n`)],
  ['is refused', (_, response) => response.writeHead(400).end('{}')],
  ['is JSON', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')],
  ['is nothing', (_, response) => response.writeHead(204).end()],
  ['is cut at once', (_, response) => response.destroy()],
])('a stream that %s', async (_name, stream) => {
  const client = await serve(stream);
  const lines: string[] = [];
  const ended = await follow(client, 'gen-1', (line) => lines.push(line.replace(/\u001b\[[0-9;]*m/g, '')));
  expect(ended.status).toBe('signed');
  expect(lines).toEqual(LINES);
});
