// Loads one check and calls it once, inside an isolate. Everything it needs later is captured before the
// check is loaded. The answer carries a token that came with the request, which the check never sees.
import { createRequire } from 'node:module';
import answersTo from './answer.cjs';

const require = createRequire('file:///harness.mjs');
const { Promise: OwnPromise, Response, setTimeout: later } = globalThis;
const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
const ROOT = '/bundle/case';
/** What is used of `process`, when the check can see it at all. */
let own;

/** Before the check can put another `process` in its place. */
function actAsProcess() {
  const { process } = globalThis;
  process.chdir('/');
  own = {
    emit: process.emit.bind(process),
    listenerCount: process.listenerCount.bind(process),
    status: () => process.exitCode ?? 0,
  };
}

/** Timers that would keep a process alive, and whoever waits for the last of them. */
const live = new Map();
let whenIdle = () => {};

/** What nobody caught, the first of it, and whoever is to be told. */
let uncaught;
let whenUncaught = () => {};

function failLate(error) {
  uncaught ??= { error };
  whenUncaught();
}

/** The value, unless something goes uncaught first. Not Promise.race(), which a check can replace. */
function unlessUncaught(value) {
  return new OwnPromise((resolve, reject) => {
    whenUncaught = () => reject(uncaught.error);
    if (uncaught !== undefined) whenUncaught();
    else void pass(value, resolve, reject);
  });
}

async function pass(value, resolve, reject) {
  try {
    resolve(await value);
  } catch (error) {
    reject(error);
  }
}

function watch(start, isRepeated) {
  return (callback, ...rest) => {
    if (typeof callback !== 'function') return start(callback, ...rest);
    const timer = start(
      (...args) => {
        if (!isRepeated) forget(timer);
        try {
          return callback(...args);
        } catch (error) {
          failLate(error);
        }
      },
      ...rest,
    );
    live.set(timer, true);
    return timer;
  };
}

function forget(timer) {
  live.delete(timer);
  if (live.size === 0) whenIdle();
}

const unwatch = (stop) => (timer) => {
  forget(timer);
  return stop(timer);
};

function watchTimers() {
  globalThis.setTimeout = watch(setTimeout, false);
  globalThis.setInterval = watch(setInterval, true);
  globalThis.setImmediate = watch(setImmediate, false);
  globalThis.clearTimeout = unwatch(clearTimeout);
  globalThis.clearInterval = unwatch(clearInterval);
  globalThis.clearImmediate = unwatch(clearImmediate);
}

/** Resolves when nothing of the check is due any more, as the end of a process would. */
async function ranEmpty() {
  for (;;) {
    // Rejections nobody handled are reported at the end of a turn.
    await new OwnPromise((resolve) => later(resolve, 0));
    if (live.size === 0) return;
    await new OwnPromise((resolve) => {
      whenIdle = resolve;
    });
  }
}

/** What the end of a process would still run, and the status it would end with. */
async function statusAtEnd() {
  try {
    await unlessUncaught(ranEmpty());
    if (own === undefined) return 0;
    if (own.listenerCount('exit') > 0) own.emit('exit', own.status());
    return own.status();
  } catch {
    return 1;
  }
}

/** @returns true when the check gave a result */
async function run(matches, answer) {
  let load;
  try {
    // require() of an ES module: refuses top-level await, and evaluates within the request.
    require('./check.mjs');
    load = await import('./check.mjs');
  } catch (error) {
    if (isAsyncModule(error)) {
      answer.own('TopLevelAwait', 'check.ts uses top-level await, which is not supported');
    } else answer.thrown(error);
    return false;
  }
  const check = load.default;
  if (typeof check !== 'function') {
    answer.own('NoDefaultExport', 'check.ts has no default export that is a function');
    return false;
  }
  try {
    answer.result(await unlessUncaught(check(ROOT, matches)));
    return true;
  } catch (error) {
    answer.thrown(error);
    return false;
  }
}

function isAsyncModule(error) {
  const text = 'Top-level await in module is not permitted';
  return error instanceof Error && typeof error.message === 'string' && error.message.startsWith(text);
}

export default {
  async fetch(request) {
    const { token, matches, withoutProcess, keepBytes } = await request.json();
    const lines = keepBytes === undefined ? undefined : keepConsole(keepBytes);
    let frame = '';
    const answer = () =>
      answersTo((kind, body) => {
        frame = `${token} ${kind} ${body}\n`;
      });
    if (withoutProcess !== true) actAsProcess();
    addEventListener('unhandledrejection', (event) => failLate(event.reason));
    watchTimers();
    if (await run(matches, answer())) {
      const status = await statusAtEnd();
      // A result of what did not end well does not count.
      if (status !== 0) answer().own('NonZeroExit', `the process ended with status ${status}`);
    }
    const frames = `${token} S \n${frame}`;
    return new Response(lines === undefined ? frames : `${lines()}\n${frames}`);
  },
};

/** Where nobody reads the isolate's own output: the first bytes of what the check prints, as JSON text. */
function keepConsole(keepBytes) {
  const { stringify } = JSON;
  let text = '';
  let written = 0;
  const print = (...args) => {
    // Made when it is first needed: most checks print nothing.
    const line = `${process.getBuiltinModule('node:util').format(...args)}\n`;
    written += line.length;
    if (text.length < keepBytes) text += line.slice(0, keepBytes - text.length);
  };
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table']) {
    globalThis.console[name] = print;
  }
  // Without a prototype: a check can put a toJSON() on that of all others.
  return () => stringify({ __proto__: null, text, written });
}
