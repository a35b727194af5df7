/**
 * The globs of `files` and `ignores`, as ast-grep reads them: `*` crosses folders too. Only stars and plain
 * characters; what has brackets, braces, question marks or backslashes is left to ast-grep itself.
 */

const PLAIN = /^[\p{L}\p{N}_./@+ *-]+$/u;

/** Undefined when the glob is one this does not read. */
export function readGlob(glob: string): ((path: string) => boolean) | undefined {
  if (!PLAIN.test(glob) || glob.startsWith('/') || glob.startsWith('./')) return undefined;
  const pattern = new RegExp(`^${source(glob)}$`, 's');
  return (path) => pattern.test(path);
}

function source(glob: string): string {
  if (glob === '**' || glob === '**/') return '.*';
  let rest = glob;
  let text = '';
  if (rest.startsWith('**/')) {
    text = '(?:/?|.*/)';
    rest = rest.slice(3);
  }
  for (const part of rest.split(/(\/\*\*(?:\/\*\*)*\/|\/\*\*$|\*+)/)) {
    if (/^\/\*\*.*\/$/.test(part)) text += '(?:/|/.*/)';
    else if (part === '/**') text += '/.*';
    else if (/^\*+$/.test(part)) text += '.*';
    else text += part.replace(/[.+]/g, '\\$&');
  }
  return text;
}
