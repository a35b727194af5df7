import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Egress, type EgressInput, openEgress } from '../../../../container/repository/egress.ts';
import { isPublicAddress, ownAddresses } from '../../../../container/repository/public-address.ts';
import { freePort } from '../../../../dev/processes.ts';

describe('an address', () => {
  it.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.255', '169.254.169.254'],
    ...['172.16.0.1', '172.31.255.255', '192.0.0.8', '192.168.1.1', '198.18.0.1', '203.0.113.9'],
    ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', '::ffff:8.8.8.8', '::ffff:127.0.0.1'],
    ...['64:ff9b::808:808', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1'],
    ...['2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', '2606:4700::1%eth0', '5f00::1'],
    ...['', 'localhost', '127.1', '0x7f000001', '1.1.1.1:443', '[2606:4700::1]'],
  ])('%j is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each([
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.1.1',
    '223.255.255.255',
    '2606:4700::1',
    '2a00::1',
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it('of this machine is not public, whatever it is', () => {
    expect(ownAddresses()).toContain('127.0.0.1');
    expect(isPublicAddress('1.1.1.1', ['2a00::1', '1.1.1.1'])).toBe(false);
  });
});

describe('the way out', () => {
  const dir = mkdtempSync(join(tmpdir(), 'assay-egress-'));
  const socketPath = join(dir, 'egress.sock');
  const asked: string[] = [];
  let echo: Server;
  let port = 0;
  let visits = 0;
  let egress: Egress | undefined;

  beforeAll(async () => {
    echo = createServer((socket) => {
      visits += 1;
      socket.on('error', () => {}).pipe(socket);
    });
    port = await freePort();
    await new Promise<void>((resolve) => echo.listen(port, '127.0.0.1', resolve));
  });
  afterEach(() => egress?.close());
  afterAll(() => {
    echo.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Grants a.test, which leads to the echo server here, as if loopback were public. */
  async function open(over: Partial<EgressInput> = {}, addresses: readonly string[] = ['127.0.0.1']) {
    visits = 0;
    asked.length = 0;
    egress = await openEgress({
      socketPath,
      openToOthers: false,
      secret: 'secret',
      endpoints: [`a.test:${port}`],
      reach: {
        addressesOf: async (host) => {
          asked.push(host);
          return addresses;
        },
        mayDial: (address) => address === '127.0.0.1' || isPublicAddress(address),
      },
      ...over,
    });
    return egress;
  }

  function say(text: string): Socket {
    return connect(socketPath)
      .on('error', () => {})
      .on('connect', function (this: Socket) {
        this.write(text);
      });
  }

  const asking = (target: string, secret = 'secret'): string =>
    `CONNECT ${target} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Bearer ${secret}\r\n\r\n`;

  /** Everything that comes until the other side ends, or until `enough` has come. */
  function answerOf(socket: Socket, enough = '\0'): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
        if (text.includes(enough)) resolve(text);
      });
      socket.on('close', () => resolve(text));
    });
  }

  it('leads to the granted host, and carries what was sent along with the request', async () => {
    const { refused } = await open();
    const socket = say(`${asking(`a.test:${port}`)}hello`);
    expect(await answerOf(socket, 'hello')).toBe('HTTP/1.1 200 OK\r\n\r\nhello');
    expect([asked, refused()]).toEqual([['a.test'], []]);
    socket.destroy();
  });

  it.each([
    ['another host', 'b.test:443', 'b.test:443 is not granted'],
    ['another port of the same host', 'a.test:443', 'a.test:443 is not granted'],
    ['an address', '127.0.0.1:80', '127.0.0.1:80 is not granted'],
    ['a host in other letters', 'A.test:443', 'a request that is no CONNECT to a host and port'],
    ['an IPv6 address', '[::1]:80', 'a request that is no CONNECT to a host and port'],
    ['nothing', '', 'a request that is no CONNECT to a host and port'],
  ])('refuses %s, and does not even look its name up', async (_what, target, why) => {
    const { refused } = await open();
    expect(await answerOf(say(asking(target)))).toBe(`HTTP/1.1 403 ${why}\r\n\r\n`);
    expect([asked, refused(), visits]).toEqual([[], [why], 0]);
  });

  it.each(['127.0.0.2', '169.254.169.254', '10.0.0.1', '::1', '::ffff:127.0.0.1', 'fd00::1'])(
    'refuses a granted host that leads to %s, also beside an address that is fine',
    async (address) => {
      const { refused } = await open({}, ['127.0.0.1', address]);
      expect(await answerOf(say(asking(`a.test:${port}`)))).toContain('HTTP/1.1 403');
      expect([refused(), visits]).toEqual([[`a.test leads to ${address}, which is not public`], 0]);
    },
  );

  it('asks the machine when nobody else is named, and then loopback is refused', async () => {
    egress = await openEgress({
      socketPath,
      openToOthers: false,
      secret: 'secret',
      endpoints: [`localhost:${port}`],
    });
    visits = 0;
    expect(await answerOf(say(asking(`localhost:${port}`)))).toContain('which is not public');
    expect(visits).toBe(0);
  });

  it('says that a host cannot be reached, which is no refusal', async () => {
    const { refused } = await open({}, []);
    expect(await answerOf(say(asking(`a.test:${port}`)))).toContain('HTTP/1.1 502');
    expect(refused()).toEqual([]);
  });

  it.each([
    ['without the secret', `CONNECT a.test:1 HTTP/1.1\r\n\r\n`],
    ['with another one', asking('a.test:1', 'secreT')],
    ['with a head that has no end', 'x'.repeat(2_000)],
  ])('hangs up on who comes %s', async (_what, text) => {
    const { refused } = await open();
    expect(await answerOf(say(text))).toBe('');
    expect([asked, refused()]).toEqual([[], []]);
  });

  it('ends everything when more bytes pass than allowed, and takes nobody after that', async () => {
    const { refused } = await open({ limits: { bytes: 1_000, connections: 9, tries: 9 } });
    const other = say(asking(`a.test:${port}`));
    await answerOf(other, 'OK');
    const ended = answerOf(other);
    await answerOf(say(asking(`a.test:${port}`) + 'x'.repeat(2_000)));
    await ended;
    expect(await answerOf(say(asking(`a.test:${port}`)))).toContain('HTTP/1.1 403');
    expect(refused()).toEqual(['more than 1000 bytes sent and received']);
  });

  it('takes no more connections than allowed, at once and in all', async () => {
    const { refused } = await open({ limits: { bytes: 1_000, connections: 1, tries: 2 } });
    const first = say(asking(`a.test:${port}`));
    await answerOf(first, 'OK');
    expect(await answerOf(say(asking(`a.test:${port}`)))).toBe('');
    expect(refused()).toEqual(['more than 1 connections at once']);
    const closed = answerOf(first);
    first.end();
    await closed;
    const second = say(asking(`a.test:${port}`));
    expect(await answerOf(second, 'OK')).toContain('200');
    const gone = answerOf(second);
    second.end();
    await gone;
    expect(await answerOf(say(asking(`a.test:${port}`)))).toContain('403 more than 2 connections');
  });

  it('counts only connections that are still there', async () => {
    const { refused } = await open({ limits: { bytes: 1_000, connections: 2, tries: 9 } }, []);
    for (let again = 0; again < 6; again += 1) {
      expect(await answerOf(say(`${asking(`a.test:${port}`)}and more`))).toContain('HTTP/1.1 502');
    }
    expect(refused()).toEqual([]);
  });

  it('is gone with the room: open connections, and the socket', async () => {
    const { close } = await open();
    const socket = say(asking(`a.test:${port}`));
    await answerOf(socket, 'OK');
    const ended = answerOf(socket);
    close();
    await ended;
    const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
      connect(socketPath).once('error', resolve),
    );
    expect(error.code).toMatch(/ENOENT|ECONNREFUSED/);
  });
});
