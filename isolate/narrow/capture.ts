/**
 * Reads a capture file for the wasm build of ast-grep: YAML to a rule object. It accepts the part of the
 * rule language that both builds are known to read alike, and names what is outside of it. Whether an
 * accepted rule makes sense is for ast-grep to say.
 */
import { isAlias, isNode, isScalar, parseAllDocuments, visit } from 'yaml';
import { readGlob } from './glob.ts';
import { type Language, languageNamed } from './languages.ts';

/** What `findAll` takes. */
export interface RuleConfig {
  readonly rule: object;
  readonly constraints?: object;
  readonly utils?: object;
  readonly transform?: object;
}

export interface Capture {
  readonly id: string;
  readonly language: Language;
  readonly config: RuleConfig;
  /** Metavariables that may stand for one node, without `$`. */
  readonly variables: readonly string[];
  /** Whether its `files` and `ignores` let it see a file. */
  appliesTo(path: string): boolean;
}

/** The capture, or why it is left to ast-grep's own command line; for people. */
export type CaptureResult = { readonly capture: Capture } | { readonly unsupported: string };

const MATCHING = ['rule', 'constraints', 'utils', 'transform'] as const;
const SCOPING = ['files', 'ignores'];
/** Keys that only describe. `fix`, `rewriters` and `labels` do more, and have checks of their own. */
const DESCRIBING = ['id', 'language', 'severity', 'message', 'note', 'url', 'metadata'];
const TEXTS = ['message', 'note', 'url'];
const SEVERITIES = ['error', 'warning', 'info', 'hint'];

export function readCapture(text: string): CaptureResult {
  const no = (unsupported: string): CaptureResult => ({ unsupported });
  const fields = readYaml(text);
  if (typeof fields === 'string') return no(fields);
  const { id, language, severity = 'hint', rule } = fields;
  const known: readonly string[] = [...MATCHING, ...DESCRIBING, ...SCOPING];
  const unknown = Object.keys(fields).find((key) => !known.includes(key));
  if (unknown !== undefined) return no(`it uses ${JSON.stringify(unknown)}`);
  if (typeof id !== 'string') return no('its id is no text');
  if (typeof language !== 'string') return no('its language is no text');
  const spoken = languageNamed(language);
  if (spoken === undefined) return no(`the language ${language} has no grammar there`);
  if (!SEVERITIES.includes(severity as string)) return no('its severity is none of those known');
  const odd = TEXTS.find((key) => fields[key] !== undefined && typeof fields[key] !== 'string');
  if (odd !== undefined) return no(`its ${odd} is no text`);
  if (fields.metadata !== undefined && !isPlain(fields.metadata)) return no('its metadata is no map');
  for (const key of MATCHING) {
    if (fields[key] !== undefined && !isPlain(fields[key])) return no(`its ${key} is no map`);
  }
  if (!isPlain(rule)) return no('it has no rule');
  const problem = ruleProblem(rule, fields.utils as Plain | undefined);
  if (problem !== undefined) return no(problem);
  const appliesTo = readScope(fields);
  if (appliesTo === undefined) return no('its files or ignores are globs of another kind than stars');
  const config: Record<string, unknown> = {};
  for (const key of MATCHING) if (fields[key] !== undefined) config[key] = fields[key];
  const variables = variablesIn(JSON.stringify(config));
  return {
    capture: { id, language: spoken, config: config as unknown as RuleConfig, variables, appliesTo },
  };
}

type Plain = Readonly<Record<string, unknown>>;

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The one document's top-level map, or what in it two YAML readers may take differently. */
function readYaml(text: string): Plain | string {
  const documents = parseAllDocuments(text, { uniqueKeys: true, version: '1.2' });
  const [document, second] = 'empty' in documents ? [] : documents;
  if (document === undefined || second !== undefined) return 'it is not one YAML document';
  if (document.errors.length > 0 || document.warnings.length > 0) return 'it is not plain YAML';
  let odd: string | undefined;
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node) || node.tag !== undefined || ('anchor' in node && node.anchor !== undefined)) {
        odd = 'it uses YAML anchors or tags';
      }
      if (isScalar(node) && isAmbiguous(node.source, node.type, node.value)) {
        odd = `YAML readers do not agree on ${node.source}`;
      }
    },
    Pair: (_, pair) => {
      const key = isNode(pair.key) && isScalar(pair.key) ? pair.key.value : pair.key;
      if (typeof key !== 'string' || key === '<<') odd = 'it has a key that is no text';
    },
  });
  if (odd !== undefined) return odd;
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  return isPlain(value) ? value : 'it is no map';
}

/** Unquoted texts that are a number or a truth value to one reader of YAML and a text to another. */
function isAmbiguous(source: string | undefined, type: string | undefined, value: unknown): boolean {
  if (type !== 'PLAIN' || source === undefined) return false;
  if (typeof value === 'boolean') return source !== 'true' && source !== 'false';
  if (value === null) return source !== '' && source !== 'null' && source !== '~';
  if (/^(?:0|[1-9]\d{0,8})$/.test(source)) return false;
  return (
    typeof value !== 'string' ||
    /^[-+]?(?:0[xob][\da-f_]+|[\d_.]*\d[\d_.]*(?:e[-+]?\d+)?|\.(?:inf|nan))$/i.test(source)
  );
}

/** `ignores` goes before `files`; without `files` every other file is meant. */
function readScope({ files, ignores }: Plain): Capture['appliesTo'] | undefined {
  const [wanted, unwanted] = [readGlobs(files), readGlobs(ignores)];
  if (wanted === undefined || unwanted === undefined) return undefined;
  const none = files === undefined;
  return (path) => !unwanted.some((glob) => glob(path)) && (none || wanted.some((glob) => glob(path)));
}

function readGlobs(value: unknown): ((path: string) => boolean)[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const globs = value.map((glob) => (typeof glob === 'string' ? readGlob(glob) : undefined));
  return globs.every((glob) => glob !== undefined) ? globs : undefined;
}

/** Keys of a rule that both builds read alike. `range` counts columns, which they do differently. */
const RULE_KEYS = new Set([
  ...['pattern', 'kind', 'regex', 'nthChild', 'inside', 'has', 'precedes', 'follows'],
  ...['all', 'any', 'not', 'matches', 'stopBy', 'field'],
]);
const PATTERN_KEYS = new Set(['context', 'selector', 'strictness']);
const NTH_KEYS = new Set(['position', 'ofRule', 'reverse']);
const CONSTRAINT_DEPTH = 40;

function ruleProblem(rule: Plain, utils: Plain | undefined): string | undefined {
  for (const one of [rule, ...Object.values(utils ?? {})]) {
    const problem = isPlain(one) ? keyProblem(one, 0) : 'a util is no map';
    if (problem !== undefined) return problem;
  }
  // ast-grep's command line refuses what could match a node of any kind, and this build does not.
  return hasKinds(rule, utils ?? {}, 0) ? undefined : 'its rule does not say which kinds of nodes it is for';
}

function keyProblem(rule: Plain, depth: number): string | undefined {
  if (depth > CONSTRAINT_DEPTH) return 'its rule is nested too deeply';
  for (const [key, value] of Object.entries(rule)) {
    if (!RULE_KEYS.has(key)) return `its rule uses ${JSON.stringify(key)}`;
    const allowed = key === 'pattern' ? PATTERN_KEYS : key === 'nthChild' ? NTH_KEYS : undefined;
    if (allowed !== undefined && isPlain(value)) {
      const odd = Object.keys(value).find((name) => !allowed.has(name));
      if (odd !== undefined) return `its ${key} uses ${JSON.stringify(odd)}`;
      if (isPlain(value.ofRule)) {
        const problem = keyProblem(value.ofRule, depth + 1);
        if (problem !== undefined) return problem;
      }
      continue;
    }
    for (const inner of Array.isArray(value) ? value : [value]) {
      const problem = isPlain(inner) ? keyProblem(inner, depth + 1) : undefined;
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

/** Whether the kinds of nodes a rule is for can be told from the rule; never true when ast-grep cannot. */
function hasKinds(rule: unknown, utils: Plain, depth: number): boolean {
  if (!isPlain(rule) || depth > CONSTRAINT_DEPTH) return false;
  const { pattern, kind, all, any, matches } = rule;
  if (typeof kind === 'string') return true;
  const text = isPlain(pattern) ? (pattern.selector ?? pattern.context) : pattern;
  if (typeof text === 'string' && !/^\s*\$+\w*\s*$/.test(text)) return true;
  if (Array.isArray(all) && all.some((one) => hasKinds(one, utils, depth + 1))) return true;
  if (Array.isArray(any) && any.length > 0 && any.every((one) => hasKinds(one, utils, depth + 1)))
    return true;
  return typeof matches === 'string' && hasKinds(utils[matches], utils, depth + 1);
}

function variablesIn(text: string): string[] {
  const names = [...text.matchAll(/\$([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name ?? '');
  return [...new Set(names)];
}
