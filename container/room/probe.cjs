'use strict';
// The self-test's attacker: tries every wall from inside a room and reports on fd 3 which ones held.
// Runs without node's permission model, so that only the room itself is measured.
const dgram = require('node:dgram');
const dns = require('node:dns');
const fs = require('node:fs');
const net = require('node:net');

const task = JSON.parse(fs.readFileSync(0, 'utf8'));
/** Errors that mean "there is no way out of here", as opposed to "nobody answered". */
const WALLED = new Set(['ENETUNREACH', 'EPERM', 'EACCES', 'EAFNOSUPPORT']);
const CONNECT_TIMEOUT_MS = 2_000;

function connectError(options) {
  return new Promise((resolve) => {
    const socket = net.connect(options);
    const timer = setTimeout(() => done('TIMEOUT'), CONNECT_TIMEOUT_MS);
    const done = (code) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code);
    };
    socket.once('connect', () => done('CONNECTED'));
    socket.once('error', (error) => done(error.code));
  });
}

function sendError(port, address) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const done = (error) => {
      socket.close();
      resolve(error ? error.code : 'SENT');
    };
    socket.send(Buffer.from('x'), port, address, done);
  });
}

function lookupFails(name) {
  return new Promise((resolve) => dns.lookup(name, (error) => resolve(Boolean(error))));
}

function resolveFails(server) {
  const resolver = new dns.Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([server]);
  return new Promise((resolve) => resolver.resolve4('example.com', (error) => resolve(Boolean(error))));
}

const fails = (action) => {
  try {
    action();
    return false;
  } catch {
    return true;
  }
};
const writeFails = (path) => fails(() => fs.writeFileSync(path, 'probe', { flag: 'a' }));
const readFails = (path) => fails(() => fs.readFileSync(path));

async function tcpBlocked() {
  const targets = [
    { host: '1.1.1.1', port: 443 },
    { host: '8.8.8.8', port: 53 },
    { host: '2606:4700:4700::1111', port: 443 },
  ];
  const codes = await Promise.all(targets.map(connectError));
  return codes.every((code) => WALLED.has(code) || code === 'EADDRNOTAVAIL');
}

async function dnsBlocked() {
  const sent = await Promise.all([sendError(53, '1.1.1.1'), sendError(53, '8.8.8.8')]);
  const failed = await Promise.all([
    lookupFails('example.com'),
    resolveFails('1.1.1.1'),
    resolveFails('8.8.8.8'),
  ]);
  return failed.every(Boolean) && sent.every((code) => WALLED.has(code));
}

async function loopbackBlocked() {
  const codes = await Promise.all([
    connectError(task.door),
    connectError({ host: '127.0.0.1', port: task.door.port }),
    connectError({ host: '::1', port: task.door.port }),
    connectError({ path: task.abstract }),
  ]);
  return codes.every((code) => code !== 'CONNECTED' && code !== 'TIMEOUT');
}

function outsideWriteBlocked() {
  const places = [
    '/',
    '/bin/',
    '/dev/',
    '/lib/',
    '/rule/',
    '/etc/',
    '/var/tmp/',
    '/dev/shm/',
    '/root/',
    '/run/',
  ];
  const canary = task.canaryFile.slice(0, task.canaryFile.lastIndexOf('/') + 1);
  const kernel = ['/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/kernel/uevent_helper'];
  return (
    [...places, canary].every((place) => writeFails(`${place}assay-probe`)) &&
    writeFails(task.canaryFile) &&
    kernel.every((path) => fails(() => fs.closeSync(fs.openSync(path, 'r+')))) &&
    ['/bin/node', '/lib/assay/runner.cjs'].every((path) => fails(() => fs.closeSync(fs.openSync(path, 'r+'))))
  );
}

function caseWriteBlocked() {
  return (
    writeFails('/case/file') &&
    writeFails('/case/new') &&
    fails(() => fs.unlinkSync('/case/file')) &&
    fails(() => fs.chmodSync('/case/file', 0o600)) &&
    fails(() => fs.mkdirSync('/case/folder'))
  );
}

function hostFilesHidden() {
  const files = [
    '/etc/passwd',
    '/etc/hostname',
    '/etc/resolv.conf',
    '/usr/bin/env',
    '/bin/sh',
    '/sys/kernel/version',
  ];
  const roots = [
    '/proc/1/root/etc/passwd',
    '/old/etc/passwd',
    '/../../etc/passwd',
    `/proc/1/root${task.canaryFile}`,
  ];
  return [task.canaryFile, ...files, ...roots].every(readFails);
}

function hostProcessesHidden() {
  // Inside a fresh pid namespace numbers start at 1; a large one is the host's.
  const own = process.pid < 100 && process.ppid < 100;
  const listed = listing('/proc').filter((name) => /^\d+$/.test(name));
  const hostSeen = task.hostPid >= 100 && !fails(() => process.kill(task.hostPid, 0));
  return own && !hostSeen && listed.every((pid) => Number(pid) < 100);
}

function listing(path) {
  try {
    return fs.readdirSync(path);
  } catch {
    return [];
  }
}

function environmentCleared() {
  const leaks = (text) => text.includes(task.canary);
  const allowed = new Set(['HOME', 'LANG', 'PATH', 'TMPDIR', 'TZ', 'UV_USE_IO_URING', 'PWD']);
  const pids = ['self', '1', String(process.ppid), ...listing('/proc').filter((name) => /^\d+$/.test(name))];
  const files = pids.map((pid) => `/proc/${pid}/environ`);
  return (
    Object.keys(process.env).every((name) => allowed.has(name)) &&
    !Object.values(process.env).some(leaks) &&
    files.every((file) => readFails(file) || !leaks(fs.readFileSync(file, 'utf8')))
  );
}

function uidDropped() {
  const ids = [process.getuid(), process.geteuid(), process.getgid(), process.getegid()];
  return ids.every((id) => id !== 0) && fails(() => process.setuid(0)) && fails(() => process.setgroups([0]));
}

async function main() {
  const report = {
    tcpBlocked: await tcpBlocked(),
    dnsBlocked: await dnsBlocked(),
    loopbackBlocked: await loopbackBlocked(),
    outsideWriteBlocked: outsideWriteBlocked(),
    caseWriteBlocked: caseWriteBlocked(),
    hostFilesHidden: hostFilesHidden(),
    hostProcessesHidden: hostProcessesHidden(),
    environmentCleared: environmentCleared(),
    uidDropped: uidDropped(),
  };
  fs.writeSync(3, JSON.stringify(report));
  setTimeout(() => process.exit(0), task.lingerMs);
}

main();
