/**
 * HTTP/1.1 over a bare socket, because client libraries send only what is proper. Writes exactly what it is given
 * and reads one answer; refuses to follow, retry or decode anything.
 */
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  /** 0: the connection ended, or went silent, without an answer. */
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  /** Wall time from the first byte written to the last byte read. */
  readonly durationMs: number;
}

const SILENCE_MS = 30_000;
const NO_ANSWER = { status: 0, headers: new Headers(), body: Buffer.alloc(0) };

/** One connection that is kept as long as the other side keeps it; one request at a time. */
export class RawConnection {
  readonly #port: number;
  #socket: Socket | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** @param silenceMs after which nothing more is waited for */
  async send(head: string, body: Uint8Array | null, silenceMs = SILENCE_MS): Promise<RawAnswer> {
    const socket = this.#open();
    const startedMs = performance.now();
    const isHead = head.startsWith('HEAD ');
    const { promise, resolve } = Promise.withResolvers<Omit<RawAnswer, 'durationMs'>>();
    let read: Buffer = Buffer.alloc(0);
    const end = (ended: boolean) => {
      const answer = parseAnswer(read, isHead, ended);
      if (answer !== null) resolve(answer);
      else if (ended) resolve(NO_ANSWER);
    };
    const onData = (part: Buffer) => {
      read = Buffer.concat([read, part]);
      end(false);
    };
    const onEnd = () => end(true);
    socket.on('data', onData).once('close', onEnd).once('end', onEnd).setTimeout(silenceMs, onEnd);
    // Latin-1: every byte of the head is one character.
    socket.write(Buffer.from(head, 'latin1'));
    if (body !== null) socket.write(body);
    const answer = await promise;
    const durationMs = performance.now() - startedMs;
    socket.off('data', onData).off('close', onEnd).off('end', onEnd).removeListener('timeout', onEnd);
    if (answer.status === 0 || answer.headers.get('connection') === 'close') this.close();
    return { ...answer, durationMs };
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Socket {
    if (this.#socket === null || this.#socket.destroyed || !this.#socket.writable) {
      // What breaks shows as a connection that closed.
      this.#socket = connect(this.#port, '127.0.0.1').on('error', () => undefined);
      this.#socket.setNoDelay(true);
    }
    return this.#socket;
  }
}

/** `null` while there is more to come. */
function parseAnswer(bytes: Buffer, isHead: boolean, ended: boolean): Omit<RawAnswer, 'durationMs'> | null {
  const split = bytes.indexOf('\r\n\r\n');
  if (split === -1) return null;
  const [first = '', ...lines] = bytes.subarray(0, split).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0);
  const rest = bytes.subarray(split + 4);
  if (status === 100) return parseAnswer(rest, isHead, ended);
  const headers = new Headers();
  for (const line of lines)
    headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim());
  const answer = (body: Buffer) => ({ status, headers, body });
  if (isHead || status === 204 || status === 304) return answer(Buffer.alloc(0));
  if (headers.get('transfer-encoding') === 'chunked') {
    const body = unchunked(rest);
    return body === null ? null : answer(body);
  }
  const length = headers.get('content-length');
  if (length === null) return ended ? answer(rest) : null;
  return rest.length < Number(length) ? null : answer(rest.subarray(0, Number(length)));
}

/** `null` while the last chunk is not there. */
function unchunked(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line === -1) return null;
    const size = Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16);
    const end = line + 2 + size;
    if (bytes.length < end + 2) return null;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, end));
    at = end + 2;
  }
}
