/**
 * The languages an isolate can search: those whose grammar gives the trees that ast-grep's command line
 * gives. Any other would find other things in the same source.
 */

export interface Language {
  /** As ast-grep prints it in lower case, and the name of its grammar. */
  readonly name: string;
  /** Every name a capture may use, lower case. */
  readonly aliases: readonly string[];
  /** File name endings, case-sensitive, without the dot. */
  readonly extensions: readonly string[];
  /** Stands for `$` in patterns where that is no letter of an identifier. */
  readonly expando?: string;
}

export const LANGUAGES: readonly Language[] = [
  { name: 'css', aliases: ['css'], extensions: ['css', 'scss'], expando: '_' },
  { name: 'go', aliases: ['go', 'golang'], extensions: ['go'], expando: 'µ' },
  { name: 'html', aliases: ['html'], extensions: ['html', 'htm', 'xhtml'], expando: 'z' },
  { name: 'java', aliases: ['java'], extensions: ['java'] },
  { name: 'javascript', aliases: ['javascript', 'js', 'jsx'], extensions: ['cjs', 'js', 'mjs', 'jsx'] },
  { name: 'json', aliases: ['json'], extensions: ['json'] },
  {
    name: 'python',
    aliases: ['py', 'python'],
    extensions: ['py', 'py3', 'pyi', 'bzl', 'bazel'],
    expando: 'µ',
  },
  { name: 'ruby', aliases: ['rb', 'ruby'], extensions: ['rb', 'rbw', 'gemspec'], expando: 'µ' },
  { name: 'rust', aliases: ['rs', 'rust'], extensions: ['rs'], expando: 'µ' },
  { name: 'tsx', aliases: ['tsx'], extensions: ['tsx'] },
  { name: 'typescript', aliases: ['ts', 'typescript'], extensions: ['ts', 'cts', 'mts'] },
  { name: 'yaml', aliases: ['yaml', 'yml'], extensions: ['yaml', 'yml'] },
];

/** ast-grep compares names without regard to case. */
export function languageNamed(name: string): Language | undefined {
  const lower = name.toLowerCase();
  return LANGUAGES.find(({ aliases }) => aliases.includes(lower));
}

/** By what follows the last dot of the file name; a name that only starts with a dot has no ending. */
export function languageOf(path: string): Language | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  if (dot <= 0) return undefined;
  const extension = name.slice(dot + 1);
  return LANGUAGES.find(({ extensions }) => extensions.includes(extension));
}

/** ast-grep enters no folder that is hidden; a hidden file of a language it looks for is looked at. */
export function isHidden(path: string): boolean {
  return /(?:^|\/)\.[^/]*\//.test(path);
}
