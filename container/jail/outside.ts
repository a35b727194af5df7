/**
 * What a self-test puts outside the walls, for its probe to look for: a canary in a file and in the host's own
 * environment, and listeners, as the host's own port is one, which count who comes by.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type ListenOptions } from 'node:net';

const CANARY_VARIABLE = 'ASSAY_CANARY';

/**
 * Runs `measure` while all of that is there, and takes it away again, but for the file.
 * @param canaryFile a path where there is nothing yet, in a folder that is there
 */
export async function withOutside<T>(
  canaryFile: string,
  measure: (canary: string, doors: Doors) => Promise<T>,
): Promise<T> {
  const canary = randomBytes(16).toString('hex');
  writeFileSync(canaryFile, canary, { mode: 0o666 });
  const doors = new Doors();
  process.env[CANARY_VARIABLE] = canary;
  try {
    return await measure(canary, doors);
  } finally {
    delete process.env[CANARY_VARIABLE];
    doors.close();
  }
}

/** Where a program of this machine looks that has nothing to do with us: for a port that another one had, or any. */
const COMMON_HOST = '127.0.0.1';

/** Where nobody comes by who was not told. Linux has all of 127/8 on its loopback interface, others one address. */
function quietHost(): string {
  if (process.platform !== 'linux') return COMMON_HOST;
  return ['127', randomInt(1, 255), randomInt(256), randomInt(1, 255)].join('.');
}

export interface Door {
  /** An IPv4 loopback address. */
  readonly host: string;
  readonly port: number;
}

export class Doors {
  #visits = 0;
  readonly #open: { close(): unknown }[] = [];

  get visits(): number {
    return this.#visits;
  }

  /** Opens on 127.0.0.1 too, where who comes is not counted: it may be a stranger, and the probe tells by itself. */
  async tcp(): Promise<Door> {
    const host = quietHost();
    const isCommon = host === COMMON_HOST;
    const { port } = (await this.#listen({ host: COMMON_HOST, port: 0 }, isCommon)) as AddressInfo;
    if (!isCommon) await this.#listen({ host, port });
    return { host, port };
  }

  udp({ host, port }: Door): Promise<void> {
    const socket = createSocket('udp4').on('message', () => {
      this.#visits += 1;
    });
    this.#open.push(socket);
    return new Promise((resolve) => socket.bind(port, host, resolve));
  }

  /** A unix socket; a path that begins with a null character is an abstract name. */
  async unix(path: string, modes: Pick<ListenOptions, 'readableAll' | 'writableAll'> = {}): Promise<void> {
    await this.#listen({ path, ...modes });
  }

  #listen(where: ListenOptions, isCounted = true): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        if (isCounted) this.#visits += 1;
        socket.destroy();
      });
      server.once('error', reject).once('listening', () => {
        this.#open.push(server);
        resolve(server.address());
      });
      server.listen(where);
    });
  }

  close(): void {
    for (const one of this.#open) one.close();
  }
}
