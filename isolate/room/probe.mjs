// The self-test's attacker: tries every way out of an isolate from inside one and reports which ones were
// shut. It runs in the place of a check; what it is told comes as its match, and its report goes out as the
// message of a finding.
import facade from 'node:fs';

const real = process.getBuiltinModule('node:fs');
const ATTEMPT_TIMEOUT_MS = 2_000;
const LINGER_MS = 300;

/** True when it failed by itself: what neither fails nor succeeds in time is no wall. */
async function fails(attack) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(false), ATTEMPT_TIMEOUT_MS);
  });
  try {
    const tried = Promise.resolve()
      .then(attack)
      .then(
        (value) => value === 'failed',
        () => true,
      );
    return await Promise.race([tried, late]);
  } finally {
    clearTimeout(timer);
  }
}

const allFail = async (attacks) => (await Promise.all(attacks.map(fails))).every(Boolean);
const builtin = (name) => {
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw new Error('there is no such module');
  return found;
};

function connects(options) {
  return new Promise((resolve, reject) => {
    const socket = builtin('node:net').connect(options, () => resolve('connected'));
    socket.on('error', reject);
  });
}

async function socket(hostname, port) {
  const { connect } = await import('cloudflare:sockets');
  const opened = connect({ hostname, port });
  await opened.opened;
}

function webSocket(url) {
  return new Promise((resolve, reject) => {
    const opened = new WebSocket(url);
    opened.addEventListener('open', resolve);
    opened.addEventListener('error', reject);
    opened.addEventListener('close', reject);
  });
}

const waysTo = (host, port) => [
  () => fetch(`http://${host}:${port}/`),
  () => fetch(`https://${host}:${port}/`),
  () => webSocket(`ws://${host}:${port}/`),
  () => socket(host.replace(/[[\]]/g, ''), port),
  () => connects({ host: host.replace(/[[\]]/g, ''), port }),
];

const tcpBlocked = () =>
  allFail([
    ...waysTo('1.1.1.1', 443),
    ...waysTo('8.8.8.8', 53),
    ...waysTo('[2606:4700:4700::1111]', 443),
    () => fetch('https://example.com/'),
  ]);

function resolves(name, ...args) {
  return new Promise((resolve, reject) =>
    builtin('node:dns')[name](...args, (error, found) => (error ? reject(error) : resolve(found))),
  );
}

/** A socket that sent something has an address; where the module is a dummy, nothing ever comes of it. */
async function sends(port, host) {
  const sender = builtin('node:dgram').createSocket('udp4');
  const sent = new Promise((resolve, reject) => {
    sender.on('error', reject);
    sender.send('x', port, host, (error) => (error ? reject(error) : resolve()));
  });
  const late = new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  await Promise.race([sent, late]);
  if (sender.address().port === undefined) throw new Error('there is no socket');
}

const dnsBlocked = () =>
  allFail([
    () => resolves('lookup', 'example.com'),
    () => resolves('resolve4', 'example.com'),
    () => builtin('node:dns').promises.resolve4('example.com'),
    () => fetch('https://cloudflare-dns.com/dns-query?name=example.com'),
    () => fetch('http://assay.example.com/'),
    () => socket('assay.example.com', 80),
    () => sends(53, '1.1.1.1'),
    () => sends(53, '8.8.8.8'),
  ]);

const loopbackBlocked = ({ door: { host, port }, path }) =>
  allFail([
    // Where the door is at 127.0.0.1 itself it is tried once.
    ...[...new Set([host, '127.0.0.1', 'localhost', '[::1]'])].flatMap((name) => waysTo(name, port)),
    () => sends(port, host),
    () => connects({ path }),
    () => connects({ path: `\0${path}` }),
    () => fetch(`http://unix:${path}:/`),
  ]);

function outsideWriteBlocked({ canaryFile }) {
  const folder = canaryFile.slice(0, canaryFile.lastIndexOf('/') + 1);
  const folders = [
    '/',
    '/etc/',
    '/bundle/',
    '/dev/',
    '/usr/',
    '/var/tmp/',
    '/root/',
    '/home/',
    '/proc/self/',
  ];
  const files = [...[...folders, folder].map((one) => `${one}assay-probe`), canaryFile, '/bundle/check.mjs'];
  return allFail(
    [facade, real].flatMap((fs) =>
      files.flatMap((file) => [
        () => fs.writeFileSync(file, 'probe'),
        () => fs.appendFileSync(file, 'probe'),
        () => fs.mkdirSync(`${file}-folder`),
      ]),
    ),
  );
}

async function caseWriteBlocked(root) {
  const [file, fresh] = [`${root}/file`, `${root}/fresh`];
  const attacks = [facade, real].flatMap((fs) => [
    () => fs.writeFileSync(file, 'probe'),
    () => fs.appendFileSync(file, 'probe'),
    () => fs.truncateSync(file),
    () => fs.writeSync(fs.openSync(file, 'r+'), 'probe'),
    () => fs.writeFileSync(fresh, 'probe'),
    () => fs.unlinkSync(file),
    () => fs.rmSync(root, { recursive: true }),
    () => fs.renameSync(file, fresh),
    () => fs.renameSync(file, '/tmp/file'),
    () => fs.linkSync(file, fresh),
    () => fs.symlinkSync(file, fresh),
    () => fs.mkdirSync(fresh),
  ]);
  const before = JSON.stringify(real.statSync(file));
  const failed = await allFail(attacks);
  // The runtime lets these pass without doing anything.
  for (const change of [() => real.chmodSync(file, 0o777), () => real.utimesSync(file, 1, 1)])
    await fails(change);
  return (
    failed &&
    before === JSON.stringify(real.statSync(file)) &&
    real.readFileSync(file, 'utf8') === 'case' &&
    !real.existsSync(fresh)
  );
}

function hostFilesHidden({ canaryFile }) {
  let links = 0;
  const files = [
    ...['/etc/passwd', '/etc/hostname', '/etc/resolv.conf', '/usr/bin/env', '/bin/sh'],
    ...['/proc/self/environ', '/proc/1/environ', '/sys/kernel/version', '/proc/self/exe'],
    ...['/proc/1/root/etc/passwd', '/../../etc/passwd', `/proc/self/root${canaryFile}`, canaryFile],
  ];
  return allFail(
    [facade, real].flatMap((fs) =>
      files.flatMap((file) => [
        () => fs.readFileSync(file),
        () => fs.readFileSync(new URL(`file://${file}`)),
        () => fs.openSync(file),
        () => fs.statSync(file),
        () => fs.promises.readFile(file),
        () => {
          links += 1;
          const link = `/tmp/assay-link-${links}`;
          fs.symlinkSync(file, link);
          return fs.readFileSync(link);
        },
      ]),
    ),
  );
}

/** What would let code act on the machine: other programs, threads, native code, the process itself. */
const nothingToActWith = ({ hostPid }) =>
  allFail([
    () => builtin('node:child_process').spawnSync('/bin/true').status === null && 'failed',
    () => builtin('node:child_process').execFileSync('/bin/true'),
    () =>
      new Promise((resolve, reject) => {
        builtin('node:child_process').spawn('/bin/true').on('error', reject).on('exit', resolve);
      }),
    () => new (builtin('node:worker_threads').Worker)('0', { eval: true }),
    () => process.execve('/bin/true', ['true'], {}),
    () => process.dlopen({ exports: {} }, '/lib/x86_64-linux-gnu/libc.so.6'),
    () => process.binding('process_wrap').Process,
    () => process.kill(hostPid, 0),
    () => process.kill(1, 0),
    () => new Function('return 1')(),
    () => new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
  ]);

async function environmentCleared({ canary }) {
  const { env } = await import('cloudflare:workers');
  const all = JSON.stringify([process.env, process.argv, process.execArgv, env, real.readdirSync('/')]);
  return Object.keys(process.env).length === 0 && Object.keys(env).length === 0 && !all.includes(canary);
}

/** The case as Node would show it; else no check could be trusted here. */
function showsCase(root) {
  const listed = facade.readdirSync(root, { recursive: true }).join();
  return (
    listed === 'b,b.txt,file,b/ü #?%.txt' && facade.readFileSync(`${root}/b/ü #?%.txt`, 'utf8') === 'odd'
  );
}

export default async (root, [task]) => {
  const report = {
    showsCase: showsCase(root),
    tcpBlocked: await tcpBlocked(),
    dnsBlocked: await dnsBlocked(),
    loopbackBlocked: await loopbackBlocked(task),
    outsideWriteBlocked: await outsideWriteBlocked(task),
    caseWriteBlocked: await caseWriteBlocked(root),
    hostFilesHidden: await hostFilesHidden(task),
    nothingToActWith: await nothingToActWith(task),
    environmentCleared: await environmentCleared(task),
  };
  real.writeFileSync(task.tempFile, 'probe');
  await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
  return [{ file: 'probe', message: JSON.stringify(report) }];
};
