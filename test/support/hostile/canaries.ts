/**
 * What an attack would have to reach to count as having got out: open doors, files, a process. An attack is
 * told where they are (the worst case), never what is in them; they tell from outside whether anyone came.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type ListenOptions } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../dev/processes.ts';

export interface Canaries {
  /** The file `canary.json` of every case. */
  readonly addresses: Readonly<Record<string, string | number>>;
  /** Must never be seen in an answer or a log. */
  readonly secrets: readonly string[];
  /** Given to the back end as its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Who came to a door since the last call. */
  visits(): string[];
  /** What of the files and the process is not as it was. */
  damage(): string[];
  close(): Promise<void>;
}

interface Door {
  readonly port: number;
  close(): void;
}

export async function openCanaries(): Promise<Canaries> {
  const dir = mkdtempSync(join(tmpdir(), 'assay-canary-'));
  const marker = `assay-marker-${randomBytes(8).toString('hex')}`;
  const secret = (): string => randomBytes(18).toString('base64url');
  const secrets = { file: secret(), environment: secret(), cloud: secret() };
  let seen: string[] = [];
  const visit = (door: string) => (): void => void seen.push(door);

  const files = layFiles(dir, secrets.file);
  const fifo = openFifo(join(dir, 'fifo'));
  const abstractName = `assay-${marker}`;
  const doors = {
    port: await tcpDoor({ host: '127.0.0.1', port: await freePort() }, visit('tcp')),
    port6: await tcpDoor({ host: '::1', port: await freePort() }, visit('tcp6')).catch(noDoor),
    httpPort: await httpDoor(visit('http')),
    udpPort: await udpDoor('udp4', '127.0.0.1', visit('udp')),
    udpPort6: await udpDoor('udp6', '::1', visit('udp6')).catch(noDoor),
    socketPath: await tcpDoor({ path: join(dir, 'socket') }, visit('unix socket')),
    abstractName: await tcpDoor({ path: `\0${abstractName}` }, visit('abstract socket')),
  };
  chmodSync(join(dir, 'socket'), 0o777);
  // Ends with its input, and so with us, even when we are killed.
  const bystander = spawn('/bin/cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });

  return {
    addresses: {
      ...Object.fromEntries(Object.entries(doors).map(([name, door]) => [name, door.port])),
      socketPath: join(dir, 'socket'),
      abstractName,
      ...{ file: files.file, folder: files.folder, fifo: fifo.path, marker },
      ...{ pid: bystander.pid ?? 0, runnerPid: process.pid },
    },
    secrets: Object.values(secrets),
    env: { ASSAY_CANARY: secrets.environment, AWS_SECRET_ACCESS_KEY: secrets.cloud },
    visits() {
      const visits = [...seen, ...fifo.visits()];
      seen = [];
      return visits;
    },
    damage: () => [...files.damage(), ...marked(marker), ...harmed(bystander)],
    async close() {
      for (const door of Object.values(doors)) door.close();
      fifo.close();
      if (bystander.exitCode === null && bystander.signalCode === null) {
        bystander.kill('SIGKILL');
        await once(bystander, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A machine without IPv6 has no such door; the attack is then told a port where nobody listens. */
const noDoor = (): Door => ({ port: 9, close: () => {} });

/** World-readable and world-writable on purpose: only the walls of the room may stop anyone. */
function layFiles(dir: string, text: string) {
  const folder = join(dir, 'folder');
  const file = join(folder, 'file');
  chmodSync(dir, 0o755);
  mkdirSync(folder);
  writeFileSync(file, text);
  chmodSync(folder, 0o777);
  chmodSync(file, 0o666);
  const state = (): string => {
    try {
      const { mode, mtimeMs, ino, nlink } = statSync(file);
      return JSON.stringify([readFileSync(file, 'utf8'), mode, mtimeMs, ino, nlink, readdirSync(folder)]);
    } catch (error) {
      return String(error);
    }
  };
  let before = state();
  const damage = (): string[] => {
    const now = state();
    const same = now === before;
    // Told once, to the attacks that ran since the last look.
    before = now;
    return same ? [] : ['the canary file or folder changed'];
  };
  return { file, folder, damage };
}

/** Files that an attack named after us, in places everyone may write to. */
function marked(marker: string): string[] {
  return ['/', '/tmp', '/var/tmp', '/dev/shm', tmpdir(), process.cwd()]
    .flatMap((place) => {
      try {
        return readdirSync(place).map((name) => join(place, name));
      } catch {
        return [];
      }
    })
    .filter((path) => path.includes(marker))
    .map((path) => `${path} was written`);
}

function harmed(bystander: ChildProcess): string[] {
  return bystander.exitCode === null && bystander.signalCode === null ? [] : ['another process was killed'];
}

function tcpDoor(where: ListenOptions, onVisit: () => void): Promise<Door> {
  const server = createServer((socket) => {
    onVisit();
    socket.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(where, () => {
      const address = server.address() as AddressInfo | string;
      resolve({ port: typeof address === 'string' ? 0 : address.port, close: () => server.close() });
    });
  });
}

async function httpDoor(onVisit: () => void): Promise<Door> {
  const server = createHttpServer((_request, response) => response.end('open')).on('connection', onVisit);
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

async function udpDoor(type: 'udp4' | 'udp6', host: string, onVisit: () => void): Promise<Door> {
  const socket = createSocket(type).on('message', onVisit);
  socket.bind(0, host);
  // Rejects with the socket's error when it cannot be bound.
  await once(socket, 'listening');
  return { port: socket.address().port, close: () => socket.close() };
}

/** Held open at our end, so that whoever opens it to write finds a reader. */
function openFifo(path: string) {
  execFileSync('/usr/bin/mkfifo', ['-m', '666', path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    path,
    visits(): string[] {
      try {
        return readSync(fd, Buffer.alloc(64)) > 0 ? ['fifo'] : [];
      } catch {
        return []; // EAGAIN: nobody wrote.
      }
    },
    close: () => closeSync(fd),
  };
}
