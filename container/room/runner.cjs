'use strict';
// Loads one check and calls it once, inside a room. Everything it needs later is captured before the
// check is loaded, so that a check which patches globals or prototypes can spoil nothing but its own
// findings. The answer goes to fd 3 as lines that start with a token the check never sees.
const fs = require('node:fs');
const { createRequire } = require('node:module');

const RESULT_FD = 3;
// The supervisor's own limits are what counts; these only keep a hostile answer short.
const MAX_TEXT_CHARS = 8192;
const MAX_FINDINGS = 1001;

const { writeSync } = fs;
const { stringify } = JSON;
const { isArray } = Array;
const { isFinite: isFiniteNumber } = Number;
const slice = Function.prototype.call.bind(String.prototype.slice);
const byteLength = Buffer.byteLength.bind(Buffer);
const bufferFrom = Buffer.from.bind(Buffer);
const exitNow = process.reallyExit.bind(process);
const setExitCode = Object.getOwnPropertyDescriptor(process, 'exitCode').set.bind(process);
const FIELDS = ['file', 'message', 'line', 'column', 'severity'];

const input = JSON.parse(fs.readFileSync(0, 'utf8'));
const { token, root, matches } = input;
let sent = false;

function send(kind, body) {
  const frame = `${token} ${kind} ${body}\n`;
  const bytes = bufferFrom(frame, 'utf8');
  const total = byteLength(frame, 'utf8');
  for (let at = 0; at < total; ) at += writeSync(RESULT_FD, bytes, at, total - at);
}

/** Primitives only: JSON.stringify on an object would call a patched toJSON. */
function encode(value) {
  switch (typeof value) {
    case 'string':
      return stringify(slice(value, 0, MAX_TEXT_CHARS));
    case 'number':
      return isFiniteNumber(value) ? `${value}` : '{"type":"non-finite number"}';
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      return value === null ? 'null' : `{"type":"${isArray(value) ? 'array' : typeof value}"}`;
  }
}

function encodeFinding(finding) {
  if (typeof finding !== 'object' || finding === null || isArray(finding)) return encode(finding);
  let text = '';
  for (let i = 0; i < 5; i += 1) {
    const value = finding[FIELDS[i]];
    if (value === undefined) continue;
    text += `${text === '' ? '' : ','}"${FIELDS[i]}":${encode(value)}`;
  }
  return `{${text}}`;
}

function sendResult(value) {
  if (value === undefined || value === null) {
    finish('R', '[]');
    return;
  }
  if (!isArray(value)) {
    finish('R', encode(typeof value === 'object' ? { __proto__: null } : value));
    return;
  }
  const count = value.length;
  let text = '';
  for (let i = 0; i < count && i < MAX_FINDINGS; i += 1) {
    text += (i === 0 ? '' : ',') + encodeFinding(value[i]);
  }
  finish('R', `[${text}]`);
}

function finish(kind, body) {
  if (sent) return;
  sent = true;
  send(kind, body);
}

/** What was thrown, as primitives; reading it may run hostile getters, which may throw in turn. */
function sendError(thrown) {
  const parts = { __proto__: null, name: 'Error', message: '', stack: '', code: '' };
  try {
    if (typeof thrown === 'object' && thrown !== null) {
      for (const key in parts) {
        const value = thrown[key];
        if (typeof value === 'string') parts[key] = value;
      }
    } else {
      parts.name = 'Thrown';
      parts.message = typeof thrown === 'symbol' ? 'a symbol' : `${thrown}`;
    }
  } catch {
    parts.message = 'the thrown value could not be read';
  }
  let text = '';
  for (const key in parts) text += `${text === '' ? '' : ','}"${key}":${encode(parts[key])}`;
  finish('E', `{${text}}`);
}

function own(name, message) {
  finish('E', `{"name":${encode(name)},"message":${encode(message)},"stack":"","code":""}`);
}

process.on('uncaughtException', (error) => {
  const late = sent;
  sendError(error);
  // After a result there is nothing to send any more; the status tells that it did not end well.
  exitNow(late ? 1 : 0);
});
// Only when the event loop ran empty by itself; process.exit() does not come by here.
process.on('beforeExit', () => {
  if (!sent) own('NeverSettled', "the check's promise never settled");
});

async function main() {
  let check;
  try {
    // require() of an ES module: refuses top-level await, as a runner in a CommonJS package does.
    check = createRequire('/rule/')('/rule/check.mjs');
  } catch (error) {
    if (error && error.code === 'ERR_REQUIRE_ASYNC_MODULE') {
      own('TopLevelAwait', 'check.ts uses top-level await, which is not supported');
    } else {
      sendError(error);
    }
    exitNow(0);
    return;
  }
  const run = check.default;
  if (typeof run !== 'function') {
    own('NoDefaultExport', 'check.ts has no default export that is a function');
    exitNow(0);
    return;
  }
  try {
    sendResult(await run(root, matches));
  } catch (error) {
    sendError(error);
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
 * SIGKILL lets nobody say a last word, so this says it before: a room that dies of SIGKILL without it was
 * killed by something outside. process.kill() comes by here too.
 */
const killNow = process._kill;
let announced = false;
process._kill = (pid, signal) => {
  if (signal === 9 && !announced) {
    announced = true;
    send('K', '');
  }
  return killNow(pid, signal);
};

writeBlocking('stdout');
writeBlocking('stderr');
send('S', '');
setExitCode(0);
main();
