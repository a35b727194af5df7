/**
 * A receiver of webhooks on loopback. The path says how it answers, `/<answers>/<box>`: answers, joined by dashes,
 * are given in turn, the last one again and again; `GET /box/<box>` shows what came. An answer is a status, or
 * `hang` (no answer), `reset` (breaks the connection), `moved` (a redirect to another box), `later` (429 with
 * Retry-After), `endless` (200, and a body without an end).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface WebhookReceiver {
  readonly url: string;
  close(): Promise<void>;
}

const RETRY_AFTER_S = '3600';

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const boxes = new Map<string, ReceivedWebhook[]>();
  const server = createServer((request, response) => void receive(request, response, boxes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  boxes: Map<string, ReceivedWebhook[]>,
): Promise<void> {
  const [, answers = '', box = ''] = (request.url ?? '').split('/');
  const got = boxes.get(box) ?? [];
  if (answers === 'box') return void response.end(JSON.stringify(got));
  let body = '';
  for await (const part of request) body += part;
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  boxes.set(box, [...got, { method: request.method ?? '', headers, body }]);
  const turns = answers.split('-');
  answer(turns[Math.min(got.length, turns.length - 1)] ?? '', box, response);
}

function endless(response: ServerResponse): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write('x'.repeat(65_536)), 5);
  response.once('close', () => clearInterval(timer));
}

function answer(turn: string, box: string, response: ServerResponse): void {
  if (turn === 'hang') return;
  if (turn === 'reset') return void response.destroy();
  if (turn === 'moved') return void response.writeHead(307, { location: `/200/${box}-moved` }).end();
  if (turn === 'later') return void response.writeHead(429, { 'retry-after': RETRY_AFTER_S }).end();
  if (turn === 'endless') return void endless(response);
  response.writeHead(Number(turn)).end('thank you');
}
