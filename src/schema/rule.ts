/**
 * The rule: what is generated, verified and signed. `files` is the truth (exact bytes by path);
 * everything else here is read from it.
 */
import { z } from 'zod';
import { egressHost, MAX_HOSTS } from './egress.ts';
import { ENGINES, SEVERITIES, slug } from './request.ts';

export const MAX_CAPTURES = 12;
export const MAX_CAPTURE_BYTES = 16 * 1024;
export const MAX_CHECK_BYTES = 64 * 1024;
/** What one match of an `sg` rule says; the host takes no more of a finding. */
export const MAX_MESSAGE_CHARS = 1_000;

/** Languages ast-grep 0.51.1 has built in, by every name its YAML accepts. */
export const LANGUAGES: Readonly<Record<string, readonly string[]>> = {
  bash: ['bash', 'sh'],
  c: ['c'],
  cpp: ['cpp', 'c++', 'cc'],
  csharp: ['csharp', 'cs'],
  css: ['css'],
  elixir: ['elixir', 'ex'],
  go: ['go', 'golang'],
  haskell: ['haskell', 'hs'],
  hcl: ['hcl'],
  html: ['html'],
  java: ['java'],
  javascript: ['javascript', 'js', 'jsx'],
  json: ['json'],
  kotlin: ['kotlin', 'kt'],
  lua: ['lua'],
  nix: ['nix'],
  php: ['php'],
  python: ['python', 'py'],
  ruby: ['ruby', 'rb'],
  rust: ['rust', 'rs'],
  scala: ['scala'],
  solidity: ['solidity', 'sol'],
  swift: ['swift'],
  typescript: ['typescript', 'ts'],
  tsx: ['tsx'],
  yaml: ['yaml', 'yml'],
};

/** The canonical name of an ast-grep language, or `null` when ast-grep does not know it. */
export function canonicalLanguage(name: string): string | null {
  const lower = name.toLowerCase();
  for (const [canonical, names] of Object.entries(LANGUAGES)) {
    if (names.includes(lower)) return canonical;
  }
  return null;
}

/**
 * `metadata.taskless` of a capture file (Taskless layout v5). Only what that client needs is required,
 * so that rules written by other tools can be tested too; what is absent gets its default.
 */
export const captureMetadata = z.looseObject({
  version: z.literal(1).optional(),
  kind: z.literal('runtime'),
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, 'must hold no control character'),
  check: z.literal('check.ts').optional(),
  match: z
    .string()
    .optional()
    .transform((mode) => (mode === 'broad' ? 'broad' : 'anchor')),
});

/** One capture file, parsed. ast-grep's own keys are checked by ast-grep, not here. */
export const captureFile = z.looseObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'must be letters, digits, dashes, at most 100'),
  language: z.string().refine((name) => canonicalLanguage(name) !== null, 'is not a language ast-grep knows'),
  severity: z.enum(['error', 'warning', 'info', 'hint'], 'must not be off').optional(),
  rule: z.record(z.string(), z.unknown()),
  metadata: z.looseObject({ taskless: captureMetadata }),
});

export type CaptureFile = z.infer<typeof captureFile>;

/**
 * An `sg` rule, parsed: one ast-grep rule of the Taskless layout. ast-grep's own keys are checked by
 * ast-grep; what is not listed could make a rule do more than find places, and is refused.
 */
export const sgFile = z.strictObject({
  id: slug,
  language: z.string().refine((name) => canonicalLanguage(name) !== null, 'is not a language ast-grep knows'),
  severity: z.enum(SEVERITIES, 'must be error, warning or info'),
  message: z
    .string()
    .min(1)
    .max(MAX_MESSAGE_CHARS)
    .regex(/^[^\p{Cc}]*\S[^\p{Cc}]*$/u, 'must be one line of text'),
  note: z.string().max(4_000).optional(),
  rule: z.record(z.string(), z.unknown()),
  constraints: z.record(z.string(), z.unknown()).optional(),
  utils: z.record(z.string(), z.unknown()).optional(),
  transform: z.record(z.string(), z.unknown()).optional(),
  files: z.array(z.string()).min(1).optional(),
  ignores: z.array(z.string()).min(1).optional(),
});
export type SgFile = z.infer<typeof sgFile>;

/** What the sandbox and the signer need to know of one capture. */
export const captureInfo = z.strictObject({
  file: z.string(),
  id: z.string(),
  name: z.string(),
  match: z.enum(['anchor', 'broad']),
  language: z.string(),
  /** Has `files` or `ignores`, whose globs start at the repository's root. */
  scoped: z.boolean(),
});
export type CaptureInfo = z.infer<typeof captureInfo>;

const hosts = z.array(egressHost).max(MAX_HOSTS);

/**
 * What a check may do, read from its imports and from the hosts it declares; stated in the signature so that
 * policy can refuse it.
 */
export const capabilityFacts = z.strictObject({
  imports: z.array(z.string()),
  readsFiles: z.boolean(),
  startsProcesses: z.boolean(),
  usesNetwork: z.boolean(),
  /** Hosts it asks to reach, sorted; empty when it asks for none. */
  hosts,
});
export type CapabilityFacts = z.infer<typeof capabilityFacts>;

/**
 * Size of a rule, recorded so that prompts can be steered towards rules a person can review. An `sg` rule
 * is one capture without a check.
 */
export const ruleSize = z.strictObject({
  captures: z.int(),
  captureLines: z.int(),
  checkLines: z.int(),
  checkBytes: z.int(),
});
export type RuleSize = z.infer<typeof ruleSize>;

export const ruleSchema = z.strictObject({
  name: slug,
  summary: z.string(),
  /** Rules stored before there was another engine do not say so. */
  engine: z.enum(ENGINES).default('runtime'),
  /** `check.ts` and `captures/<name>.yml`, or `<name>.yml` of an `sg` rule: exact text by rule-relative path. */
  files: z.record(z.string(), z.string()),
  /** Of an `sg` rule: the rule itself. */
  captures: z.array(captureInfo),
  /** What every match of an `sg` rule is reported as; absent where a check decides. */
  report: z.strictObject({ message: z.string(), severity: z.enum(SEVERITIES) }).optional(),
  /** A rule that was stored before hosts could be declared has none. */
  capabilities: capabilityFacts.extend({ hosts: hosts.default([]) }),
  size: ruleSize,
});
export type Rule = z.infer<typeof ruleSchema>;
