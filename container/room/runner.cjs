'use strict';
// Loads one check and calls it once, inside a room. Everything it needs later is captured before the
// check is loaded, so that a check which patches globals or prototypes can spoil nothing but its own
// findings. The answer goes to fd 3 as lines that start with a token the check never sees.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const answersTo = require('./answer.cjs');

const RESULT_FD = 3;
const { writeSync } = fs;
const byteLength = Buffer.byteLength.bind(Buffer);
const allocateAlone = Buffer.allocUnsafeSlow.bind(Buffer);
const callOf = (method) => Function.prototype.call.bind(method);
const writeText = callOf(Buffer.prototype.utf8Write);
const copyInto = callOf(Buffer.prototype.copy);
const wipe = callOf(Uint8Array.prototype.fill);
const exitNow = process.reallyExit.bind(process);
const exitCode = Object.getOwnPropertyDescriptor(process, 'exitCode');
const setExitCode = exitCode.set.bind(process);
const getExitCode = exitCode.get.bind(process);

/** Of the task only its root and matches are kept as text: a check can search the heap of its own process. */
function readTask() {
  const { token, root, matches, mostFindings, egress } = JSON.parse(fs.readFileSync(0, 'utf8'));
  return { token: privateBytes(token), root, matches, mostFindings, egress };
}

/** In memory of their own: small buffers share a pool, and a check can read all of it. */
function privateBytes(text) {
  const bytes = allocateAlone(byteLength(text, 'utf8'));
  writeText(bytes, text);
  return bytes;
}

const { token, root, matches, mostFindings, egress } = readTask();

function send(kind, body) {
  const text = ` ${kind} ${body}\n`;
  const bytes = allocateAlone(token.length + byteLength(text, 'utf8'));
  copyInto(token, bytes);
  writeText(bytes, text, token.length);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(RESULT_FD, bytes, at, bytes.length - at);
  } finally {
    wipe(bytes, 0);
  }
}

const answer = answersTo(send, mostFindings);

process.on('uncaughtException', (error) => {
  const late = answer.sent();
  answer.thrown(error);
  // After a result there is nothing to send any more; the status tells that it did not end well.
  exitNow(late ? 1 : 0);
});
// Only when the event loop ran empty by itself; process.exit() does not come by here.
process.on('beforeExit', () => {
  if (!answer.sent()) answer.own('NeverSettled', "the check's promise never settled");
});

async function main() {
  let check;
  try {
    // require() of an ES module: refuses top-level await, as a runner in a CommonJS package does.
    check = createRequire('/rule/')('/rule/check.mjs');
  } catch (error) {
    if (error && error.code === 'ERR_REQUIRE_ASYNC_MODULE') {
      answer.own('TopLevelAwait', 'check.ts uses top-level await, which is not supported');
    } else {
      answer.thrown(error);
    }
    exitNow(0);
    return;
  }
  const run = check.default;
  if (typeof run !== 'function') {
    answer.own('NoDefaultExport', 'check.ts has no default export that is a function');
    exitNow(0);
    return;
  }
  try {
    answer.result(await run(root, matches));
  } catch (error) {
    answer.thrown(error);
    exitNow(0);
  }
}

/**
 * Node queues output in memory when the reader is slower, so a flood would look like a memory bomb.
 * Blocking writes let it be counted instead. Lazily, because most checks never print.
 */
function writeBlocking(name) {
  const own = Object.getOwnPropertyDescriptor(process, name);
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get() {
      const stream = own.get.call(process);
      stream._handle?.setBlocking?.(true);
      return stream;
    },
  });
}

/**
 * A room that dies of SIGKILL was killed by something outside, and is run again. So nothing inside sends
 * that signal: SIGABRT ends whoever does not handle it just as well. process.kill() comes by here too.
 */
const killNow = process._kill;
const SIGABRT = 6;
const SIGKILL = 9;
process._kill = (pid, signal) => killNow(pid | 0, (signal | 0) === SIGKILL ? SIGABRT : signal | 0);

/**
 * A status above this reads as death by a signal: with one a check could look like it was killed from
 * outside, and ask for another try.
 */
const HIGHEST_STATUS = 128;
const plainStatus = (status) => ((status & 255) > HIGHEST_STATUS ? HIGHEST_STATUS : status & 255);
process.reallyExit = (status) => exitNow(plainStatus(status));
const { emit } = process;
const { apply } = Reflect;
// When a process ends by itself its status is the one that is set when the exit handlers have run.
Object.defineProperty(process, 'emit', {
  value(...args) {
    try {
      return apply(emit, this, args);
    } finally {
      if (args[0] === 'exit') setExitCode(plainStatus(getExitCode()));
    }
  },
});

writeBlocking('stdout');
writeBlocking('stderr');
send('S', '');
setExitCode(0);
if (egress !== undefined) require('./egress.cjs')(egress);
main();
