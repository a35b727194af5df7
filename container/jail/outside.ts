/**
 * What a self-test puts outside the walls, for its probe to look for: a canary in a file and in the host's own
 * environment, and listeners, as the host's own port is one, which count who comes by.
 */
import { randomBytes } from 'node:crypto';
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

export class Doors {
  #visits = 0;
  readonly #open: { close(): unknown }[] = [];

  get visits(): number {
    return this.#visits;
  }

  /** @returns its port on 127.0.0.1 */
  async tcp(): Promise<number> {
    return ((await this.#listen({ host: '127.0.0.1', port: 0 })) as AddressInfo).port;
  }

  udp(port: number): Promise<void> {
    const socket = createSocket('udp4').on('message', () => {
      this.#visits += 1;
    });
    this.#open.push(socket);
    return new Promise((resolve) => socket.bind(port, '127.0.0.1', resolve));
  }

  /** A unix socket; a path that begins with a null character is an abstract name. */
  async unix(path: string, modes: Pick<ListenOptions, 'readableAll' | 'writableAll'> = {}): Promise<void> {
    await this.#listen({ path, ...modes });
  }

  #listen(where: ListenOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => {
        this.#visits += 1;
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
