/**
 * The one way out that a rule with granted hosts has: a socket in its own directory that takes CONNECT for
 * exactly those hosts. The room's network stays empty; this side resolves the name, looks at the addresses and
 * dials those very addresses. It does not look into what is sent: that is TLS between check and host.
 *
 * What a rule tries beyond its grant is refused and remembered, and it has failed then. Only who knows the
 * room's secret is served: the socket's path alone could be found by others of the same user.
 */
import { timingSafeEqual } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect, createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import {
  MAX_EGRESS_BYTES,
  MAX_EGRESS_CONNECTIONS,
  MAX_EGRESS_HEAD_BYTES,
  MAX_EGRESS_TRIES,
} from './limits.ts';
import { isPublicAddress } from './public-address.ts';

/** How names are resolved, and what may be dialled. Another one than the default is for tests only. */
export interface Reach {
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  readonly mayDial: (address: string) => boolean;
}

export interface EgressLimits {
  /** Both directions of all connections together. */
  readonly bytes: number;
  /** At once. */
  readonly connections: number;
  /** In all, refused ones too. */
  readonly tries: number;
}

export interface EgressInput {
  readonly socketPath: string;
  /** For rooms that have a uid of their own. */
  readonly openToOthers: boolean;
  readonly secret: string;
  /** `host:port` each. */
  readonly endpoints: readonly string[];
  readonly limits?: EgressLimits;
  readonly reach?: Reach;
}

export interface Egress {
  /** What was refused, each once, the first few; none of it a check's own words. */
  refused(): readonly string[];
  /** Ends every connection and removes the socket. */
  close(): void;
}

const PUBLIC: Reach = {
  addressesOf: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  mayDial: (address) => isPublicAddress(address),
};
const LIMITS: EgressLimits = {
  bytes: MAX_EGRESS_BYTES,
  connections: MAX_EGRESS_CONNECTIONS,
  tries: MAX_EGRESS_TRIES,
};
const MAX_TOLD = 10;
const HEAD_END = '\r\n\r\n';
const CONNECT = /^CONNECT ([a-z0-9.-]{1,253}):([1-9][0-9]{0,4}) HTTP\/1\.1\r\n/;
const SECRET = /\r\nproxy-authorization: Bearer ([\w-]+)\r\n/i;

export async function openEgress(input: EgressInput): Promise<Egress> {
  const door = new Door(input);
  const server = createServer((socket) => door.take(socket));
  const { connections } = input.limits ?? LIMITS;
  server.maxConnections = connections;
  server.on('error', () => {});
  server.on('drop', () => door.tell(`more than ${connections} connections at once`));
  const { socketPath: path, openToOthers: writableAll } = input;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ path, writableAll, readableAll: writableAll }, resolve);
  });
  return { refused: () => door.refused(), close: () => door.close(server) };
}

class Door {
  readonly #endpoints: ReadonlySet<string>;
  readonly #secret: Buffer;
  readonly #limits: EgressLimits;
  readonly #reach: Reach;
  /** Those of rooms and those to hosts. */
  readonly #sockets = new Set<Socket>();
  readonly #refused = new Set<string>();
  #tries = 0;
  #bytes = 0;
  #closed = false;

  constructor({ endpoints, secret, limits = LIMITS, reach = PUBLIC }: EgressInput) {
    this.#endpoints = new Set(endpoints);
    this.#secret = Buffer.from(secret);
    this.#limits = limits;
    this.#reach = reach;
  }

  refused(): string[] {
    return [...this.#refused];
  }

  close(server: Server): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
    server.close();
  }

  take(socket: Socket): void {
    this.#keep(socket);
    readHead(socket, (head) => {
      this.#serve(socket, head).catch(() => answer(socket, '502 the host could not be reached'));
    });
  }

  async #serve(socket: Socket, head: string): Promise<void> {
    const given = Buffer.from(SECRET.exec(head)?.[1] ?? '');
    // Nobody of this rule's.
    if (given.length !== this.#secret.length || !timingSafeEqual(given, this.#secret))
      return void socket.destroy();
    const refusal = this.#refusal(head);
    if (refusal !== undefined) return this.#refuse(socket, refusal);
    const [, host = '', port = ''] = CONNECT.exec(head) ?? [];
    const addresses = await this.#reach.addressesOf(host);
    const hidden = addresses.find((address) => !this.#reach.mayDial(address));
    // One such address is enough: a name that leads inside and outside is a trick or a mistake.
    if (hidden !== undefined) return this.#refuse(socket, `${host} leads to ${hidden}, which is not public`);
    if (this.#closed || socket.destroyed) return;
    this.#join(socket, await this.#dial(host, Number(port), addresses));
  }

  #refusal(head: string): string | undefined {
    this.#tries += 1;
    const { tries, bytes } = this.#limits;
    if (this.#tries > tries) return `more than ${tries} connections`;
    if (this.#bytes > bytes) return tooMuch(bytes);
    const [, host, port] = CONNECT.exec(head) ?? [];
    if (host === undefined) return 'a request that is no CONNECT to a host and port';
    return this.#endpoints.has(`${host}:${port}`) ? undefined : `${host}:${port} is not granted`;
  }

  /** Resolves nothing: the addresses that were looked at are those that are dialled. */
  #dial(host: string, port: number, addresses: readonly string[]): Promise<Socket> {
    const known = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const resolved: LookupFunction = (_name, _options, give) => give(null, known);
    const socket = connect({ host, port, lookup: resolved, autoSelectFamily: true });
    this.#keep(socket);
    return new Promise((resolve, reject) => {
      socket
        .once('connect', () => resolve(socket))
        .once('error', reject)
        .once('close', reject);
    });
  }

  #join(room: Socket, host: Socket): void {
    const count = (chunk: Buffer): void => {
      this.#bytes += chunk.length;
      if (this.#bytes <= this.#limits.bytes) return;
      this.tell(tooMuch(this.#limits.bytes));
      for (const socket of this.#sockets) socket.destroy();
    };
    room.write(`HTTP/1.1 200 OK${HEAD_END}`);
    for (const [from, to] of [
      [room, host],
      [host, room],
    ] as const) {
      from.on('data', count);
      pipeline(from, to, () => {});
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #refuse(socket: Socket, why: string): void {
    this.tell(why);
    answer(socket, `403 ${why}`);
  }

  tell(why: string): void {
    if (this.#refused.size < MAX_TOLD) this.#refused.add(why);
  }
}

function tooMuch(bytes: number): string {
  return `more than ${bytes} bytes sent and received`;
}

/** Gives the head, and leaves what follows it in the paused socket. One that is too long gets no answer. */
function readHead(socket: Socket, take: (head: string) => void): void {
  let read = Buffer.alloc(0);
  const add = (chunk: Buffer): void => {
    read = Buffer.concat([read, chunk]);
    const end = read.indexOf(HEAD_END);
    if (end < 0 && read.length <= MAX_EGRESS_HEAD_BYTES) return;
    socket.off('data', add).pause();
    if (end < 0 || end > MAX_EGRESS_HEAD_BYTES) return void socket.destroy();
    const after = end + HEAD_END.length;
    if (read.length > after) socket.unshift(read.subarray(after));
    take(read.toString('latin1', 0, after));
  };
  socket.on('data', add);
}

function answer(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}${HEAD_END}`);
  // It is paused, so it would never see the other side's end.
  socket.destroySoon();
}
