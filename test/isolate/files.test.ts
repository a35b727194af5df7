/** A case in an isolate looks as it does on disk: the same questions, asked of Node and of an isolate. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHostDir, writeInto } from '../../container/temp.ts';
import { bundleOf } from '../../isolate/bundle.ts';
import { toChecked } from '../../isolate/exit.ts';
import { roomScripts } from '../../isolate/local/room-scripts.ts';
import { runIsolate } from '../../isolate/local/run.ts';
import { findWorkerd, runtime } from '../../isolate/local/tools.ts';

const FILES = {
  'a.txt': 'a',
  empty: '',
  '.env': 'X=1',
  'b/c/d.ts': 'export {};\n',
  'b/c.d': 'x',
  'b-c': 'x',
  'b/ü ß.txt': 'ü',
  'b/#?%.txt': 'odd',
  '~/tilde': '~',
  'Z/é/😀.md': '😀',
  'large.txt': 'é'.repeat(300_000),
  'node_modules/p/package.json': '{}',
};
const PATHS = [
  ...['', 'a.txt', 'empty', '.env', 'b', 'b/c/d.ts', 'b/ü ß.txt', 'b/#?%.txt', '~', '~/tilde', 'Z/é/😀.md'],
  ...['large.txt', 'nope', 'b/nope/x', 'b/../a.txt', 'b//c.d', 'Z', 'node_modules'],
];

/** A check that asks everything about each path and answers with one finding for each. */
const CHECK = `import { createHash } from 'node:crypto';
import fs from 'node:fs';
import * as named from 'node:fs';
import promises, { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const stat = (s) => [s.isFile(), s.isDirectory(), s.isSymbolicLink(), s.isFile() ? s.size : 0];
async function attempt(ask) {
  try { return (await ask()) ?? 'nothing'; } catch (error) { return 'error ' + error.code; }
}
function short(value) {
  const text = JSON.stringify(value);
  return text.length < 50 ? text : createHash('sha256').update(text).digest('hex').slice(0, 12);
}
async function drain(dir) {
  const all = [];
  for await (const entry of dir) all.push(entry.name);
  return all.sort();
}
export default async (root, [{ paths }]) => {
  const entry = (e) => [e.name, e.parentPath.replace(root, ''), e.isFile(), e.isDirectory()];
  const findings = [];
  for (const path of paths) {
    const full = path === '' ? root : root + '/' + path;
    const asked = [
      () => fs.readFileSync(full, 'utf8'),
      () => fs.readFileSync(full).length,
      () => named.readFileSync(full, { encoding: 'base64' }),
      () => stat(fs.statSync(full)),
      () => stat(fs.lstatSync(full)),
      () => fs.statSync(full, { throwIfNoEntry: false }) === undefined,
      () => fs.existsSync(full),
      () => fs.accessSync(full),
      () => fs.readdirSync(full),
      () => fs.readdirSync(full, { recursive: true }),
      () => fs.readdirSync(full, { withFileTypes: true }).map(entry),
      () => fs.readdirSync(full, { withFileTypes: true, recursive: true }).map(entry),
      () => fs.realpathSync(full).replace(root, ''),
      () => drain(fs.opendirSync(full)),
      () => readFile(full, 'utf8'),
      async () => stat(await promises.stat(full)),
      () => promises.access(full),
      () => promises.readdir(full),
      () => promises.readdir(full, { recursive: true }),
      async () => (await promises.readdir(full, { withFileTypes: true, recursive: true })).map(entry),
      () => new Promise((done, fail) => fs.readFile(full, 'utf8', (e, text) => (e ? fail(e) : done(text)))),
      () => new Promise((done, fail) => fs.readdir(full, (e, names) => (e ? fail(e) : done(names)))),
      () => new Promise((done, fail) => fs.stat(full, (e, found) => (e ? fail(e) : done(stat(found))))),
      () => {
        const descriptor = fs.openSync(full, 'r');
        const bytes = Buffer.alloc(4);
        const count = fs.readSync(descriptor, bytes, 0, 4, 0);
        fs.closeSync(descriptor);
        return [count, bytes.toString('hex')];
      },
      () => fs.readFileSync(Buffer.from(full), 'utf8'),
      () => fs.readFileSync(pathToFileURL(full), 'utf8').length,
      () => { process.chdir(root); try { return fs.readFileSync(path, 'utf8'); } finally { process.chdir('/'); } },
    ];
    const answers = [];
    for (const [index, ask] of asked.entries()) answers.push(index + ' ' + short(await attempt(ask)));
    findings.push({ file: 'a', message: path + ': ' + answers.join('; ') });
  }
  return findings;
};
`;

let hostDir: string;
beforeAll(() => {
  hostDir = makeHostDir();
});
afterAll(() => rmSync(hostDir, { recursive: true, force: true }));

async function inIsolate(check: string, matches: readonly unknown[]) {
  const bundle = bundleOf(roomScripts(), check, FILES);
  const exit = await runIsolate(runtime(findWorkerd().path), hostDir, bundle, {
    task: { token: 't', matches },
    timeoutMs: 20_000,
    signal: new AbortController().signal,
  });
  return toChecked(exit, 't');
}

interface Asked {
  default(root: string, matches: readonly unknown[]): Promise<{ message: string }[]>;
}

async function onDisk(): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'assay-files-'));
  try {
    const root = join(dir, 'case');
    writeInto(dir, { 'case/a.txt': '' });
    rmSync(join(root, 'a.txt'));
    writeInto(root, FILES);
    writeFileSync(join(dir, 'check.mjs'), CHECK);
    const { default: ask } = (await import(pathToFileURL(join(dir, 'check.mjs')).href)) as Asked;
    return (await ask(root, [{ paths: PATHS }])).map(({ message }) => message);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

describe('reading', () => {
  it('answers as the disk does', async () => {
    const checked = await inIsolate(CHECK, [{ paths: PATHS }]);
    expect(checked).toMatchObject({ outcome: 'exited' });
    expect(checked.findings.map(({ message }) => message)).toEqual(await onDisk());
  });

  it('has every name that node:fs has', async () => {
    const names = Object.keys(await import('node:fs')).filter(
      (name) => !name.startsWith('_') && name !== 'default',
    );
    const check = `import * as fs from 'node:fs';
      export default (_root, [{ names }]) => names.filter((name) => !(name in fs)).map((name) => ({ file: 'a', message: name }));`;
    const { findings } = await inIsolate(check, [{ names }]);
    const constants = ['F_OK', 'R_OK', 'W_OK', 'X_OK'];
    expect(findings.map(({ message }) => message).filter((name) => !constants.includes(name))).toEqual([]);
  });
});

describe('writing', () => {
  it.each([
    "fs.writeFileSync(root + '/a.txt', 'x')",
    "fs.appendFileSync(root + '/a.txt', 'x')",
    "fs.writeFileSync(root + '/b/ü ß.txt', 'x')",
    "fs.unlinkSync(root + '/a.txt')",
    "fs.renameSync(root + '/a.txt', root + '/z')",
    "fs.mkdirSync(root + '/new')",
    'fs.rmSync(root, { recursive: true })',
    "fs.chmodSync(root + '/a.txt', 0o777)",
    "fs.utimesSync(root + '/a.txt', 0, 0)",
    "fs.symlinkSync('/tmp', root + '/link')",
    "fs.createWriteStream(root + '/a.txt').end('x') && new Promise((_, fail) => setTimeout(fail, 50))",
    "fs.promises.writeFile(root + '/a.txt', 'x')",
  ])('%s fails', async (attack) => {
    const check = `import fs from 'node:fs';
      export default async (root) => {
        let failed = false;
        process.on('uncaughtException', () => {});
        try { await (${attack}); } catch { failed = true; }
        return [{ file: 'a', message: failed + ' ' + fs.readFileSync(root + '/a.txt', 'utf8') }];
      };`;
    expect((await inIsolate(check, [])).findings).toEqual([{ file: 'a', message: 'true a' }]);
  });

  it('/tmp is there and empty', async () => {
    const check = `import fs from 'node:fs';
      export default () => {
        const before = fs.readdirSync('/tmp');
        fs.writeFileSync('/tmp/ü', 'x');
        return [{ file: 'a', message: before.length + fs.readFileSync('/tmp/ü', 'utf8') + fs.existsSync('/tmp/ü') }];
      };`;
    expect((await inIsolate(check, [])).findings).toEqual([{ file: 'a', message: '0xtrue' }]);
  });
});
