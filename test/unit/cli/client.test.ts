/** Stored objects as the command line takes them: exactly the bytes that were stored, or not at all. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { ApiClient } from '../../../cli/client.ts';
import { request } from '../../support/rule.ts';

const TEXT = JSON.stringify(request);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
let server: Server | undefined;
afterEach(() => server?.close());

async function clientOf(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ApiClient> {
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return new ApiClient({ url: `http://127.0.0.1:${address.port}`, token: 't' });
}
const answering = (text: string, digest: string | null) =>
  clientOf((_request, response) => {
    response.writeHead(200, digest === null ? {} : { 'x-assay-sha256': digest }).end(text);
  });

test('the stored request arrives', async () => {
  expect(await (await answering(TEXT, sha256(TEXT))).request('gen-1')).toEqual(request);
});

describe('refused as BAD_ANSWER', () => {
  test.each<[string, () => Promise<ApiClient>]>([
    ['another byte than was stored', () => answering(TEXT.replace('eval', 'evil'), sha256(TEXT))],
    ['no digest', () => answering(TEXT, null)],
    ['something else than a request', () => answering('{}', sha256('{}'))],
    ['no JSON', () => answering('x', sha256('x'))],
    [
      'an answer that breaks off',
      () =>
        clientOf((_request, response) => {
          response.writeHead(200, { 'content-length': '1000' });
          response.write('{', () => response.destroy());
        }),
    ],
    [
      'an answer without an end',
      () =>
        clientOf((_request, response) => {
          response.writeHead(200);
          const more = () => {
            while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024, 'x')));
          };
          response.on('drain', more);
          more();
        }),
    ],
  ])('%s', async (_name, open) => {
    await expect((await open()).request('gen-1')).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });
});

test("the service's own code is kept, and a report that is not stored is none", async () => {
  const client = await clientOf((incoming, response) => {
    const code = incoming.url?.endsWith('/report') === true ? 'NO_REPORT' : 'NO_RULE';
    response.writeHead(404).end(JSON.stringify({ ok: false, code, message: 'none' }));
  });
  await expect(client.attemptRule('gen-1', 1)).rejects.toMatchObject({ code: 'NO_RULE' });
  expect(await client.report('gen-1', 1, 'report')).toBeNull();
  await expect(client.report('gen-1', 1, 'confirmation')).rejects.toMatchObject({ code: 'NO_RULE' });
});

describe('an answer of another program is refused', () => {
  test.each([
    ['a page', '<html></html>'],
    ['other JSON', '{"ok":true}'],
    ['a list', '[]'],
    ['nothing', ''],
  ])('%s', async (_name, text) => {
    const client = await clientOf((_request, response) => response.writeHead(200).end(text));
    const asks = [
      () => client.get('gen-1'),
      () => client.create(request),
      () => client.list({}),
      () => client.rule('rule-1'),
    ];
    for (const ask of asks) {
      await expect(ask()).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    }
  });

  test('and so is an error without a reason', async () => {
    const client = await clientOf((_request, response) => response.writeHead(502).end('bad gateway'));
    await expect(client.get('gen-1')).rejects.toMatchObject({ code: 'BAD_ANSWER' });
  });
});
