/**
 * What an isolate cannot run as ast-grep's command line and Node would. Pure, and free of wasm, so that
 * whoever chooses a sandbox can ask before sending anything; the isolate host asks again. It errs on one
 * side only: what it lets pass gives the same answer.
 */
import type { CaseInput, RuleInput } from '../container/protocol.ts';
import { readCapture } from './narrow/capture.ts';
import { isHidden, languageOf } from './narrow/languages.ts';

/** Modules of Node that the runtime of isolates has in full, as far as a check may import them. */
const MODULES = new Set([
  ...['assert', 'assert/strict', 'buffer', 'crypto', 'events', 'fs', 'fs/promises', 'path', 'path/posix'],
  ...['querystring', 'string_decoder', 'url', 'util'],
]);

export interface IsolateQuestion {
  readonly rule: Pick<RuleInput, 'files' | 'captures'>;
  /** Specifiers the check imports, where they are known. */
  readonly imports?: readonly string[];
  readonly cases: readonly Pick<CaseInput, 'files'>[];
}

/** Why an isolate cannot run this, as the end of a sentence; `null` when it can. */
export function unsupported({ rule, imports = [], cases }: IsolateQuestion): string | null {
  const foreign = imports.find((specifier) => !MODULES.has(specifier.replace(/^node:/, '')));
  if (foreign !== undefined) return `isolates have no ${foreign}`;
  const languages = new Set<string>();
  for (const { file } of rule.captures) {
    const text = rule.files[file] ?? '';
    if (file.startsWith('captures/.')) return `${file} is hidden`;
    const read = readCapture(text);
    if ('unsupported' in read) return `${file} cannot be read by isolates: ${read.unsupported}`;
    languages.add(read.capture.language.name);
  }
  for (const { files } of cases) {
    const problem = caseProblem(files, languages);
    if (problem !== null) return problem;
  }
  return null;
}

/** Languages whose rules ast-grep also applies inside HTML. */
const INSIDE_HTML = ['css', 'javascript', 'typescript', 'tsx'];

function caseProblem(files: CaseInput['files'], languages: ReadonlySet<string>): string | null {
  const paths = Object.keys(files);
  const inGit = paths.some((path) => path === '.git' || path.startsWith('.git/'));
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name === '.ignore' || (inGit && name === '.gitignore')) return `a case has ${name} rules`;
    if (isHidden(path)) continue;
    const language = languageOf(path)?.name;
    if (language === undefined) continue;
    if (language === 'html' && INSIDE_HTML.some((inner) => languages.has(inner))) {
      return 'a case has HTML, in which the captures would have to look for scripts and styles';
    }
    if (!languages.has(language)) continue;
    const problem = sourceProblem(language, files[path] ?? '');
    if (problem !== null) return `${path} of a case ${problem}`;
  }
  return null;
}

/**
 * This build of ast-grep takes only comments for what may stand anywhere in a source; the grammars of two
 * languages have one more thing of that kind each.
 */
function sourceProblem(language: string, source: string): string | null {
  if (source.includes('ast-grep-ignore')) return 'has ast-grep-ignore comments';
  if (language === 'python' && /\\\r?\n/.test(source)) return 'continues lines with a backslash';
  if (language === 'ruby' && /<<[~-]?["'`]?[A-Za-z_]/.test(source)) return 'has here-documents';
  if (source.includes('\0')) return 'has null characters';
  return null;
}
