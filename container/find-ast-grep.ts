/** Where ast-grep is, as npm installs it. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NoJail } from './jail/detect.ts';

/**
 * The CLI's platform package; the package's own entry may be a script.
 * @throws NoJail when it is not installed
 */
export function findAstGrep(): string {
  const resolve = createRequire(import.meta.url).resolve;
  const libc = existsSync('/etc/alpine-release') ? 'musl' : 'gnu';
  try {
    const name = `@ast-grep/cli-linux-${process.arch}-${libc}/package.json`;
    return join(dirname(resolve(name)), 'ast-grep');
  } catch {
    throw new NoJail(
      'ast-grep is not installed: npm install @ast-grep/cli, or give its path with --ast-grep',
    );
  }
}
