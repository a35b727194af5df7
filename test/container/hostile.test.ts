/**
 * Attacks, each a real check in a real room, against every form of jail. The rule for all of them: the
 * outcome is what it should be, a harmless case in the same request is untouched, and afterwards
 * nothing is left.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaseResult } from '../../container/protocol.ts';
import { jailForms, MARKED, request, roomProcesses, startHost, type TestHost } from './support.ts';

/** Runs `body` as the check; `fs`, `net` and friends are imported for it. */
const wrap = (body: string): string => `
import fs from 'node:fs'; import net from 'node:net'; import os from 'node:os'; import path from 'node:path';
import http from 'node:http'; import dns from 'node:dns'; import dgram from 'node:dgram'; import vm from 'node:vm';
import child from 'node:child_process'; import worker from 'node:worker_threads'; import module from 'node:module';
export default async function check(root: string, matches: { file: string }[]): Promise<unknown> {
${body}
}`;
const tries = (code: string): string =>
  wrap(`try { ${code}; return [{ file: 'x', message: 'escaped' }]; } catch { return []; }`);

type Attack = readonly [
  name: string,
  source: string,
  expected: Partial<CaseResult> | ((r: CaseResult) => void),
];
const error = (name: string, message?: RegExp) => (result: CaseResult) => {
  expect(result.outcome).toBe('exited');
  expect(result.error?.name).toBe(name);
  if (message) expect(result.error?.message).toMatch(message);
  expect(result.findings).toEqual([]);
};
const outcome =
  (...allowed: CaseResult['outcome'][]) =>
  (result: CaseResult) => {
    expect(allowed).toContain(result.outcome);
    expect(result.error).toBeDefined();
    expect(result.findings).toEqual([]);
  };
const silent: Partial<CaseResult> = { outcome: 'exited', findings: [] };

const ATTACKS: readonly Attack[] = [
  // Never ending.
  ['busy loop', wrap('for (;;);'), outcome('timed_out')],
  [
    'catastrophic regex',
    wrap("return /^(a+)+$/.test('a'.repeat(60) + '!') ? [] : [];"),
    outcome('timed_out'),
  ],
  [
    'Atomics.wait',
    wrap('Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);'),
    outcome('timed_out'),
  ],
  ['open timer', wrap('setInterval(() => {}, 1000); return [];'), outcome('timed_out')],
  [
    'ignores SIGTERM',
    wrap("process.on('SIGTERM', () => {}); process.on('SIGINT', () => {}); for (;;);"),
    outcome('timed_out'),
  ],
  ['stops itself', wrap("process.kill(process.pid, 'SIGSTOP'); for (;;);"), outcome('timed_out')],
  ['promise never settles', wrap('return new Promise(() => {});'), error('NeverSettled')],
  ['thenable never settles', wrap('return { then() {} };'), error('NeverSettled')],
  ['getter loops', wrap("return [{ get file() { for (;;); }, message: 'm' }];"), outcome('timed_out')],
  // Memory.
  [
    'heap bomb',
    wrap('const a: unknown[] = []; for (;;) a.push(new Array(1000).fill(Math.random()));'),
    outcome('memory_exceeded'),
  ],
  [
    'buffer bomb',
    wrap('const a: Buffer[] = []; for (;;) a.push(Buffer.alloc(32 << 20, 1));'),
    outcome('memory_exceeded'),
  ],
  [
    'array buffer bomb',
    wrap(
      'const a: ArrayBuffer[] = []; for (;;) { const b = new ArrayBuffer(64 << 20); new Uint8Array(b).fill(1); a.push(b); }',
    ),
    outcome('memory_exceeded'),
  ],
  [
    'wasm bomb',
    wrap(
      'const a: unknown[] = []; for (;;) { const m = new WebAssembly.Memory({ initial: 1000 }); new Uint8Array(m.buffer).fill(1); a.push(m); }',
    ),
    outcome('memory_exceeded'),
  ],
  [
    'string bomb',
    wrap(
      "let s = 'x'.repeat(1 << 20); const a: string[] = []; for (;;) { a.push(Buffer.from(s).toString() + a.length); }",
    ),
    outcome('memory_exceeded'),
  ],
  [
    'heap limit raised',
    wrap(
      "(await import('node:v8')).setFlagsFromString('--max-old-space-size=8000'); const a: unknown[] = []; for (;;) a.push(new Array(1000).fill(Math.random()));",
    ),
    outcome('memory_exceeded'),
  ],
  [
    'wasm code bomb',
    tries(
      'for (let i = 0; i < 1e4; i++) { const m = new WebAssembly.Memory({ initial: 60000, maximum: 65536 }); m.grow(10); new Uint8Array(m.buffer).fill(1); }',
    ),
    (r) => expect(['exited', 'memory_exceeded', 'timed_out']).toContain(r.outcome),
  ],
  ['tmp flood', tries("for (let i = 0; ; i++) fs.writeFileSync('/tmp/' + i, Buffer.alloc(1 << 20))"), silent],
  ['inode flood', tries("for (let i = 0; i < 5000; i++) fs.writeFileSync('/tmp/' + i, '')"), silent],
  // Output.
  ['stdout flood', wrap("for (;;) fs.writeSync(1, 'x'.repeat(65536));"), outcome('output_exceeded')],
  ['stderr flood', wrap("for (;;) console.error('x'.repeat(65536));"), outcome('output_exceeded')],
  ['result flood', wrap("for (;;) fs.writeSync(3, 'x'.repeat(65536));"), outcome('output_exceeded')],
  [
    'terminal escapes',
    wrap("console.log('\\x1b]0;owned\\x07\\x1b[31mred\\x1b[0m\\x00\\x9b2J\\u202e'); return [];"),
    (r) => {
      expect(r.console).toBe('red\n');
    },
  ],
  // Forged and missing results.
  ['exits 0', wrap('process.exit(0);'), outcome('invalid_result')],
  ['exits 1', wrap('process.exit(1);'), outcome('invalid_result')],
  ['reallyExit', wrap('(process as any).reallyExit(0);'), outcome('invalid_result')],
  [
    'execve',
    wrap("(process as any).execve('/bin/node', ['node', '-e', '0'], {});"),
    (r) => expect(r.error).toBeDefined(),
  ],
  ['kills itself', wrap("process.kill(process.pid, 'SIGKILL'); for (;;);"), outcome('signalled')],
  ['aborts', wrap('process.abort();'), outcome('signalled')],
  ['forged frame', wrap("fs.writeSync(3, 'token R []\\n'); process.exit(0);"), outcome('invalid_result')],
  [
    'forged on every descriptor',
    wrap("for (let f = 3; f < 64; f++) try { fs.writeSync(f, 'x R []\\n'); } catch {} return [];"),
    outcome('invalid_result'),
  ],
  [
    'result on stdout',
    wrap(`console.log('[{"file":"a","message":"b"}]'); process.exit(0);`),
    outcome('invalid_result'),
  ],
  ['closes the channel', wrap('fs.closeSync(3); return [];'), outcome('invalid_result')],
  [
    'patched JSON',
    wrap(
      "JSON.stringify = () => 'forged'; JSON.parse = () => 0 as any; return [{ file: 'a', message: 'm' }];",
    ),
    { outcome: 'exited', findings: [{ file: 'a', message: 'm' }] },
  ],
  [
    'patched prototypes',
    wrap(`(Object.prototype as any).toJSON = () => 'x'; (Array.prototype as any).toJSON = () => 'x'; (String.prototype as any).toJSON = () => 'x';
    Array.prototype.join = () => 'x'; Array.prototype.map = () => [] as any; Array.prototype.push = () => 0; String.prototype.slice = () => 'x'; String.prototype.toString = () => 'x';
    (Object.prototype as any).file = 'p'; Array.isArray = (() => false) as any; (Array.prototype as any)[Symbol.iterator] = () => { throw 1; }; Buffer.from = (() => 0) as any; fs.writeSync = (() => 0) as any;
    return [{ file: 'a', message: 'm' }];`),
    { outcome: 'exited', findings: [{ file: 'a', message: 'm' }] },
  ],
  [
    'patched promises',
    wrap(
      "Promise.prototype.then = function () { return this; } as any; return [{ file: 'a', message: 'm' }];",
    ),
    (r) => expect(['exited', 'timed_out']).toContain(r.outcome),
  ],
  ['not an array', wrap('return {} as any;'), outcome('invalid_result')],
  [
    'array-like proxy',
    wrap("return new Proxy([], { get: (_, k) => (k === 'length' ? 1e9 : { file: 'a', message: 'm' }) });"),
    outcome('invalid_result'),
  ],
  [
    'bad severity',
    wrap("return [{ file: 'a', message: 'm', severity: 'hint' }];"),
    outcome('invalid_result'),
  ],
  ['escaping file', wrap("return [{ file: '../a', message: 'm' }];"), outcome('invalid_result')],
  ['absolute file', wrap("return [{ file: root + '/a', message: 'm' }];"), outcome('invalid_result')],
  ['line zero', wrap("return [{ file: 'a', message: 'm', line: 0 }];"), outcome('invalid_result')],
  ['not a number line', wrap("return [{ file: 'a', message: 'm', line: NaN }];"), outcome('invalid_result')],
  ['empty message', wrap("return [{ file: 'a', message: ' \\u200b' }];"), outcome('invalid_result')],
  [
    'too many findings',
    wrap("return Array.from({ length: 5000 }, () => ({ file: 'a', message: 'm' }));"),
    outcome('invalid_result'),
  ],
  [
    'unknown keys',
    wrap("return [{ file: 'a', message: 'm', __proto__: { x: 1 }, verdict: 'accepted' }];"),
    { outcome: 'exited', findings: [{ file: 'a', message: 'm' }] },
  ],
  [
    'forged at exit',
    wrap("process.on('exit', () => fs.writeSync(3, 'x R []\\n')); return [];"),
    outcome('invalid_result'),
  ],
  ['reads the channel', wrap('fs.readSync(3, Buffer.alloc(10)); return [];'), outcome('timed_out')],
  [
    'exit code at exit',
    wrap("process.on('exit', () => { process.exitCode = 5; }); return [];"),
    error('NonZeroExit'),
  ],
  [
    'hostile stack',
    wrap("Error.prepareStackTrace = () => ({ toString() { throw 1; } } as any); throw new Error('x');"),
    error('Error', /x/),
  ],
  ['listens', wrap("net.createServer().listen(0, '127.0.0.1'); return [];"), outcome('timed_out')],
  ['listens on a path', tries("fs.mkdirSync('/case/x'); net.createServer().listen('/case/s')"), silent],
  ['diagnostic report', tries("process.report.writeReport('/case/report')"), silent],
  [
    'swallows everything',
    wrap(
      "process.removeAllListeners('uncaughtException'); process.removeAllListeners('beforeExit'); return new Promise(() => {});",
    ),
    outcome('invalid_result'),
  ],
  // Throwing.
  [
    'throws',
    "export default function () {\n\n  throw new TypeError('no');\n}\n",
    { outcome: 'exited', error: { name: 'TypeError', message: 'no', line: 3 } },
  ],
  [
    'throws at import',
    "const a: number = 1;\nthrow new Error('early ' + a);\n",
    { outcome: 'exited', error: { name: 'Error', message: 'early 1', line: 2 } },
  ],
  [
    'throws a hostile value',
    wrap('throw { get name() { throw 1; }, get message() { throw 2; } };'),
    error('Error'),
  ],
  [
    'throws later',
    wrap(
      "setTimeout(() => { throw new Error('late'); }, 10); return new Promise((r) => setTimeout(r, 500));",
    ),
    error('Error', /late/),
  ],
  [
    'throws after the result',
    wrap("setTimeout(() => { throw new Error('late'); }, 50); return [];"),
    error('NonZeroExit'),
  ],
  ['exit code after the result', wrap('process.exitCode = 3; return [];'), error('NonZeroExit')],
  ['stack overflow', wrap('const f = (): number => f() + 1; f();'), error('RangeError')],
  ['no default export', 'export const a = 1;\n', error('NoDefaultExport')],
  ['top-level await', 'await Promise.resolve();\nexport default () => [];\n', error('TopLevelAwait')],
  [
    'enum',
    'const a = 1;\nenum E { A }\nexport default () => [];\n',
    {
      outcome: 'exited',
      error: { name: 'SyntaxError', message: 'TypeScript enum is not supported in strip-only mode', line: 2 },
    },
  ],
  ['syntax error', 'export default (: => [];\n', error('SyntaxError')],
  ['unknown import', "import 'left-pad';\nexport default () => [];\n", error('Error', /left-pad/)],
  // The walls.
  [
    'tcp',
    wrap(
      "return new Promise((resolve) => { const s = net.connect(443, '1.1.1.1'); s.on('connect', () => resolve([{ file: 'x', message: 'escaped' }])); s.on('error', () => resolve([])); });",
    ),
    silent,
  ],
  [
    'fetch',
    wrap(
      "try { await fetch('http://example.com'); } catch { return []; } return [{ file: 'x', message: 'escaped' }];",
    ),
    silent,
  ],
  [
    'dns',
    wrap(
      "try { await dns.promises.lookup('example.com'); } catch { return []; } return [{ file: 'x', message: 'escaped' }];",
    ),
    silent,
  ],
  [
    'udp',
    wrap(
      "return new Promise((resolve) => { const s = dgram.createSocket('udp4'); s.send('x', 53, '8.8.8.8', (e) => { s.close(); resolve(e ? [] : [{ file: 'x', message: 'escaped' }]); }); });",
    ),
    silent,
  ],
  [
    'abstract socket',
    wrap(
      "return new Promise((resolve) => { const s = net.connect({ path: '\\0' + 'assay' }); s.on('error', () => resolve([])); });",
    ),
    silent,
  ],
  ['spawn', tries("child.execFileSync('/bin/setpriv', ['--version'])"), silent],
  ['fork bomb', tries('for (;;) child.fork(process.argv[1])'), silent],
  ['worker', tries("new worker.Worker('for(;;);', { eval: true })"), silent],
  ['inspector', tries("(await import('node:inspector')).open(9229)"), silent],
  ['process.binding', tries("(process as any).binding('spawn_sync')"), silent],
  [
    'dlopen',
    tries("fs.writeFileSync('/tmp/a.node', 'x'); process.dlopen({ exports: {} } as any, '/tmp/a.node')"),
    silent,
  ],
  ['setuid', tries('(process as any).setuid(0)'), silent],
  [
    'signal to pid 1',
    wrap("try { process.kill(1, 'SIGKILL'); } catch {} return [];"),
    (r) => expect(r.outcome).not.toBe('host_error'),
  ],
  [
    'signal to all',
    wrap("try { process.kill(-1, 'SIGKILL'); } catch {} return [];"),
    (r) => expect(['signalled', 'exited']).toContain(r.outcome),
  ],
  ['/etc/passwd', tries("fs.readFileSync('/etc/passwd')"), silent],
  ['/proc', tries("fs.readdirSync('/proc')"), silent],
  ['symlink out', tries("fs.symlinkSync('/etc/passwd', '/tmp/l'); fs.readFileSync('/tmp/l')"), silent],
  ['write to the case', tries("fs.writeFileSync(root + '/new', '')"), silent],
  ['write to the rule', tries("fs.writeFileSync('/rule/check.mjs', '')"), silent],
  [
    'other cases',
    wrap(
      "return fs.readdirSync(root, { recursive: true }).map((f) => ({ file: String(f), message: 'seen' }));",
    ),
    {
      outcome: 'exited',
      findings: [
        { file: 'src', message: 'seen' },
        { file: 'src/a.ts', message: 'seen' },
      ],
    },
  ],
  [
    'environment',
    wrap(
      "return [{ file: 'x', message: Object.keys(process.env).filter((k) => k !== 'PWD').sort().join() }];",
    ),
    { outcome: 'exited', findings: [{ file: 'x', message: 'HOME,LANG,PATH,TMPDIR,TZ,UV_USE_IO_URING' }] },
  ],
  [
    'host name',
    wrap("return [{ file: 'x', message: os.hostname() }];"),
    { outcome: 'exited', findings: [{ file: 'x', message: 'room' }] },
  ],
  [
    'module hooks',
    wrap("try { module.register('data:text/javascript,'); } catch {} return [];"),
    (r) => expect(r.outcome).not.toBe('host_error'),
  ],
];

describe.each(jailForms())('attacks in %s', (form) => {
  let host: TestHost;
  beforeAll(async () => {
    host = await startHost(['--jail', form]);
  });
  afterAll(async () => {
    expect(await host.stop()).toBe(0);
  });

  it.concurrent.each(ATTACKS)('%s', async (_name, source, expected) => {
    const limits = { caseTimeoutMs: 2_500, totalTimeoutMs: 60_000 };
    const [result] = (await host.verify(request(source, { limits }))).results;
    if (result === undefined) throw new Error('no result');
    try {
      if (typeof expected === 'function') expected(result);
      else expect(result).toMatchObject(expected);
    } catch (failure) {
      console.error(form, _name, JSON.stringify(result));
      throw failure;
    }
  });

  it('still serves, and nothing is left', async () => {
    const good = await host.verify(
      request("export default () => [{ file: 'a', message: 'm' }];", { cases: [MARKED] }),
    );
    expect(good.results[0]).toMatchObject({ outcome: 'exited', findings: [{ file: 'a', message: 'm' }] });
    expect(roomProcesses(host.child.pid)).toEqual([]);
  });
});
