// Makes a bare clone ready and then runs a program in it: `node dev/bootstrap.mjs <program> [args]`.
// Runs on the system's Node (20 or newer); the program runs on the Node 24 that npm brings. Installs
// only when the lockfile changed since the last time.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');
const stamp = join(root, 'node_modules', '.assay-lock');

install();
run(process.argv.slice(2));

function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('installing dependencies (npm ci, about 20 s) …\n');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (npm.status !== 0) fail('npm ci failed; see above');
  writeFileSync(stamp, lock);
}

function run([program, ...args]) {
  if (program === undefined) return;
  const node = existsSync(join(bin, 'node')) ? join(bin, 'node') : process.execPath;
  const [major, minor] = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' })
    .stdout.split('.')
    .map(Number);
  if (major < 22 || (major === 22 && minor < 18)) {
    fail('needs Node 22.18 or newer on this platform (on Linux x64 and arm64 npm brings it)');
  }
  const env = {
    ...process.env,
    ASSAY_BOOTSTRAPPED: '1',
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
  };
  const child = spawn(node, [program, ...args], { cwd: root, stdio: ['pipe', 'inherit', 'inherit'], env });
  // A Ctrl-C reaches the child through the terminal; only signals sent to this process are passed on.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

function fail(message) {
  process.stderr.write(`assay: ${message}\n`);
  process.exit(1);
}
