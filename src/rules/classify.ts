/**
 * Which engine a request needs, as far as that can be told from the request alone. One `sg` rule sees one
 * file of one language at a time, so whatever needs more is for `runtime`. Pure, and it never guesses: what
 * the request does not show is left open.
 */
import type { Engine, RuleRequest } from '../schema/request.ts';
import { canonicalLanguage } from '../schema/rule.ts';
import { isHiddenPath, languageOfFile } from './file-language.ts';

export interface EngineChoice {
  readonly engine: Engine;
  /** For people: why this one. */
  readonly why: string;
}

/** What the request asks for by name, or shows to be needed; `null` when that is open. */
export function engineOf(request: RuleRequest): EngineChoice | null {
  const { engine } = request;
  if (engine === undefined) return { engine: 'runtime', why: 'the request names no engine' };
  if (engine !== 'auto') return { engine, why: 'the request asks for it' };
  const why = needsRuntime(request);
  return why === null ? null : { engine: 'runtime', why };
}

function needsRuntime({ cases, language, egress }: RuleRequest): string | null {
  if (egress !== undefined) return 'the request allows hosts, and only a check can ask them';
  if (language !== undefined && canonicalLanguage(language) === null)
    return `ast-grep does not know the language ${language}`;
  const languages = new Set<string>();
  for (const one of cases) {
    const paths = Object.keys(one.files);
    const named = JSON.stringify(one.name);
    if (paths.length > 1) return `case ${named} has several files, and one of them may have to be compared`;
    for (const path of paths) {
      const found = languageOfFile(path);
      if (found === null) return `${path} of case ${named} is in no language that ast-grep knows`;
      if (isHiddenPath(path)) return `${path} of case ${named} is hidden from ast-grep`;
      languages.add(found);
    }
  }
  if (languages.size > 1) return `the cases are in several languages: ${[...languages].sort().join(', ')}`;
  return null;
}
