/** Headers that are odd, bad, or ask for something else than the request line does. */
import type { Picker } from './picker.ts';

export type Header = readonly [name: string, value: string];

export interface HeaderMutant {
  readonly headers: readonly Header[];
  /** Of a request that makes something: it may not be taken with these. */
  readonly wrong: boolean;
  /** Only a raw connection can send them. */
  readonly wire: boolean;
}

const fine = (headers: readonly Header[]): HeaderMutant => ({ headers, wrong: false, wire: false });
const wrong = (...headers: Header[]): HeaderMutant => ({ headers, wrong: true, wire: false });
const wire = (...headers: Header[]): HeaderMutant => ({ headers, wrong: false, wire: true });

/** For requests without a body; `content-type` and the like are of no account there. */
export function oddHeaders({ pick, int }: Picker): HeaderMutant {
  return pick([
    () => fine([['x-http-method-override', pick(['DELETE', 'PUT', 'POST', 'TRACE'])]]),
    () =>
      fine([
        ['x-method-override', 'DELETE'],
        ['x-http-method', 'PUT'],
      ]),
    () =>
      fine([
        ['x-forwarded-for', "127.0.0.1, ' OR 1=1"],
        ['x-forwarded-host', 'evil.example'],
        ['x-forwarded-proto', 'gopher'],
      ]),
    () =>
      fine([
        ['x-original-url', '/v1/tokens'],
        ['x-rewrite-url', '/healthz'],
      ]),
    () =>
      fine([
        [
          'accept',
          pick([
            '*/*;q=0',
            'text/html',
            'application/xml',
            ';;;,,,',
            'text/event-stream',
            'text/event-stream;q=0',
            'a'.repeat(5_000),
            '',
          ]),
        ],
      ]),
    () =>
      fine([
        ['accept', 'text/event-stream'],
        [
          'last-event-id',
          pick([
            '-1',
            '1e9',
            'x',
            '',
            '0x1',
            '9'.repeat(15),
            '9'.repeat(16),
            '999999',
            'NaN',
            '1,2',
            '\u00ff',
          ]),
        ],
      ]),
    () => fine([['accept-encoding', pick(['br;q=0', 'gzip, deflate', '*', 'x'.repeat(2_000)])]]),
    () => fine([['range', pick(['bytes=0-0', 'bytes=-1', 'bytes=99999999999-', 'lines=1-'])]]),
    () =>
      fine([
        ['if-none-match', '*'],
        ['if-modified-since', 'yesterday'],
      ]),
    () => fine([['cookie', `session=${'x'.repeat(int(4_000))}; __proto__=1`]]),
    () =>
      fine([
        ['origin', pick(['null', 'https://evil.example', 'file://'])],
        ['access-control-request-method', 'DELETE'],
      ]),
    () => fine([['x-long', 'x'.repeat(1 + int(12_000))]]),
    () => fine(Array.from({ length: 1 + int(80) }, (_, n): Header => [`x-many-${n}`, 'y'])),
    () =>
      fine([
        ['__proto__', '1'],
        ['constructor', '2'],
      ]),
    () => fine([['x-latin', 'caf\u00e9 \u00ff']]),
    () => fine([['content-type', pick(['', 'application/json', 'x'])]]),
    () =>
      fine([
        ['upgrade-insecure-requests', '1'],
        ['dnt', '1'],
        ['via', '1.1 x, 1.1 y'],
      ]),
    () =>
      wire([
        'host',
        pick([
          '',
          '[',
          'a b',
          'evil.example',
          'localhost:0',
          'x/healthz?',
          'a@b',
          '\u00ff',
          '127.0.0.1:99999',
          'x#',
          '%00',
        ]),
      ]),
    () => wire(['host', 'evil.example'], ['host', 'other.example']),
    () =>
      wire([
        'transfer-encoding',
        pick(['chunked', 'gzip, chunked', 'xchunked', 'identity', 'chunked, chunked']),
      ]),
    () =>
      wire(['content-length', pick(['-1', '1e3', '0x10', '5, 6', '99999999999999999999', '', ' 3', '3'])]),
    () => wire(['content-length', '3'], ['transfer-encoding', 'chunked']),
    () => wire(['expect', pick(['100-continue', '200-ok'])]),
    () => wire(['connection', 'upgrade'], ['upgrade', pick(['websocket', 'h2c', 'TLS/1.0'])]),
    () => wire(['x-huge', 'x'.repeat(20_000 + int(60_000))]),
    () => wire([pick(['a b', 'a:b', '', '\u0000', 'x-nul', ' x']), pick(['1', 'a\u0000b', 'a\rb'])]),
  ] as const)();
}

/** For requests with a body that fits: one header says that it is something else. */
export function wrongBodyHeaders({ pick }: Picker): HeaderMutant {
  const type: Header = ['content-type', 'application/json'];
  return pick([
    () =>
      wrong([
        'content-type',
        pick([
          'text/plain',
          'text/json',
          'application/x-www-form-urlencoded',
          'multipart/form-data; boundary=x',
          'application/jsonx',
          'application/json+x',
          'application',
          '/',
          ';',
          'application/json, text/plain',
          'application/xml',
          'application/json/x',
          '*/*',
        ]),
      ]),
    () =>
      wrong([
        'content-type',
        `application/json; charset=${pick(['utf-16', 'utf-16le', 'iso-8859-1', 'utf-7', '"ucs-2"', ''])}`,
      ]),
    () => wrong(),
    () =>
      wrong(type, [
        'content-encoding',
        pick(['gzip', 'br', 'deflate', 'zstd', 'x', 'gzip, identity', 'aes128gcm']),
      ]),
  ] as const)();
}

export const BAD_KEYS = [
  '',
  ' ',
  'a b',
  'x'.repeat(256),
  'x'.repeat(9_000),
  'k\u00e9y',
  'a, b',
  '\u007f',
  'a\tb',
];
