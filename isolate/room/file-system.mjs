// node:fs as a check sees it. The runtime's own module serves everything; this corrects what it does
// differently from Node: names are kept in a plain alphabet inside the bundle, folders are listed in byte
// order and by their real names, and a recursive listing is relative to the folder that was asked for.
// It is no wall: whoever goes round it meets the same files under their plain names.
const real = process.getBuiltinModule('node:fs');
const { resolve, join, relative } = process.getBuiltinModule('node:path');
const { fileURLToPath } = process.getBuiltinModule('node:url');

const ROOT = '/bundle/case';
const PLAIN = /^[A-Za-z0-9._-]+$/;
const CODED = /~((?:[0-9a-f]{2})+)/g;

/** One name of a path as the bundle knows it; `../bundle.ts` writes the same. */
function encodeName(name) {
  return PLAIN.test(name) ? name : `~${Buffer.from(name).toString('hex')}`;
}
const decodeName = (name) => (name[0] === '~' ? Buffer.from(name.slice(1), 'hex').toString() : name);
const decodeText = (text) => text.replace(CODED, (_, hex) => Buffer.from(hex, 'hex').toString());

/** A path argument as the runtime's own functions are to get it. */
function inward(path) {
  let text = path;
  if (path instanceof URL) text = fileURLToPath(path);
  else if (path instanceof Uint8Array) text = Buffer.from(path).toString();
  if (typeof text !== 'string' || text === '' || text.includes('\0')) return path;
  const full = resolve(process.cwd(), text);
  if (full !== ROOT && !full.startsWith(`${ROOT}/`)) return path;
  const names = full.slice(ROOT.length + 1).split('/');
  if (names.every((name) => name === '' || PLAIN.test(name))) return path;
  return `${ROOT}/${names.map(encodeName).join('/')}`;
}

/** Errors as Node words them, with the names the check knows. */
function outward(error) {
  if (error === null || typeof error !== 'object' || typeof error.code !== 'string') return error;
  const text = decodeText(String(error.message)).replace(', readAll ', ', open ');
  error.message = text.startsWith(error.code) ? text : `${error.code}: ${text}`;
  if (typeof error.path === 'string') error.path = decodeText(error.path);
  return error;
}

const TWO_PATHS = new Set([
  'copyFile',
  'copyFileSync',
  'cp',
  'cpSync',
  'link',
  'linkSync',
  'rename',
  'renameSync',
]);

/** The runtime takes these for a file of the bundle and does nothing; a read-only disk would refuse. */
const SILENT = /^(?:l?ch(?:mod|own)|l?utimes)(?:Sync)?$/;

function refuseSilent(name, path) {
  if (!SILENT.test(name) || typeof path !== 'string' || !resolve(process.cwd(), path).startsWith(ROOT))
    return;
  const error = new Error(`EROFS: read-only file system, ${name.replace('Sync', '')} '${path}'`);
  throw Object.assign(error, { code: 'EROFS', errno: -30, syscall: name.replace('Sync', ''), path });
}

function corrected(name, own, args) {
  refuseSilent(name, textOf(args[0]));
  // The runtime takes it for the current folder.
  if (args[0] === '') {
    throw Object.assign(new Error("ENOENT: no such file or directory, open ''"), {
      code: 'ENOENT',
      path: '',
    });
  }
  if (args.length > 0) args[0] = inward(args[0]);
  if (args.length > 1 && TWO_PATHS.has(name)) args[1] = inward(args[1]);
  try {
    const result = own(...args);
    return result instanceof Promise ? result.catch((error) => Promise.reject(outward(error))) : result;
  } catch (error) {
    throw outward(error);
  }
}

function wrapAll(source, into) {
  for (const name of Object.keys(source)) {
    const own = source[name];
    const isPlain = typeof own === 'function' && !/^[A-Z_]/.test(name);
    into[name] = isPlain ? (...args) => corrected(name, own, args) : own;
  }
  return into;
}

const bytesOf = (name) => Buffer.from(name);
const byBytes = (a, b) => Buffer.compare(bytesOf(a.name), bytesOf(b.name));

class Dirent {
  constructor(name, parentPath, from) {
    this.name = name;
    this.parentPath = parentPath;
    for (const kind of [
      'isFile',
      'isDirectory',
      'isSymbolicLink',
      'isBlockDevice',
      'isCharacterDevice',
      'isFIFO',
      'isSocket',
    ]) {
      Object.defineProperty(this, kind, { value: () => from[kind](), enumerable: false });
    }
  }
}

const textOf = (path) =>
  path instanceof URL
    ? fileURLToPath(path)
    : path instanceof Uint8Array
      ? Buffer.from(path).toString()
      : path;

function entriesOf(folder) {
  const found = corrected('readdirSync', real.readdirSync, [folder, { withFileTypes: true }]);
  return found.map((one) => new Dirent(decodeName(one.name), folder, one)).sort(byBytes);
}

/** Every entry below, folder by folder, in the order in which Node visits them. */
function walk(root, next) {
  const found = [];
  const queue = [root];
  while (queue.length > 0) {
    const folder = next(queue);
    for (const entry of entriesOf(folder)) {
      found.push(entry);
      if (entry.isDirectory()) queue.push(join(folder, entry.name));
    }
  }
  return found;
}

function list(path, options, next) {
  const { encoding, recursive, withFileTypes } =
    typeof options === 'string' ? { encoding: options } : (options ?? {});
  const folder = textOf(path);
  const entries = recursive ? walk(folder, next) : entriesOf(folder);
  if (withFileTypes) return entries;
  const names = entries.map(({ name, parentPath }) =>
    recursive ? relative(folder, join(parentPath, name)) : name,
  );
  return encoding === 'buffer' ? names.map((name) => Buffer.from(name)) : names;
}

/** The callback form of a function that gives its result at once. */
const withCallback =
  (action) =>
  (...args) => {
    const callback = args.pop();
    Promise.resolve()
      .then(() => action(...args))
      .then((value) => queueMicrotask(() => callback(null, value)))
      .catch((error) => queueMicrotask(() => callback(error)));
  };

class Dir {
  #left;
  constructor(path, entries) {
    this.path = path;
    this.#left = entries;
  }
  readSync() {
    return this.#left.shift() ?? null;
  }
  async read() {
    return this.readSync();
  }
  closeSync() {}
  async close() {}
  async *[Symbol.asyncIterator]() {
    for (let entry = this.readSync(); entry !== null; entry = this.readSync()) yield entry;
  }
}

const first = (queue) => queue.shift();
const readdirSync = (path, options) => list(path, options, first);
const opendirSync = (path, options) =>
  new Dir(textOf(path), list(path, { ...options, withFileTypes: true }, first));
const decodeResult = (value) => (typeof value === 'string' ? decodeText(value) : value);
const realpathSync = (...args) => decodeResult(corrected('realpathSync', real.realpathSync, args));
const globSync = (...args) => corrected('globSync', real.globSync, args).map(decodeResult);

const promises = wrapAll(real.promises, {});
promises.readdir = async (path, options) => list(path, options, (queue) => queue.pop());
promises.opendir = async (path, options) => opendirSync(path, options);
promises.realpath = async (...args) => realpathSync(...args);

const fs = wrapAll(real, {});
Object.assign(fs, {
  promises,
  readdirSync,
  readdir: withCallback(readdirSync),
  opendirSync,
  opendir: withCallback(opendirSync),
  realpathSync: Object.assign(realpathSync, { native: realpathSync }),
  realpath: withCallback(realpathSync),
  globSync,
  existsSync: (path) => {
    try {
      return real.existsSync(inward(path));
    } catch {
      return false;
    }
  },
  Dirent,
  Dir,
});

export default fs;
