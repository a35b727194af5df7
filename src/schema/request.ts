/**
 * The request: what a user asks for. Parsed once at the edge (API body or file); a request that
 * cannot be verified fairly is refused here, with the reason, before anything is started.
 */
import { z } from 'zod';
import { callbackUrl } from './callback-url.ts';
import { egressHost, MAX_HOSTS } from './egress.ts';
import { byteLength, fileFolderClash, relativePath, withoutProto } from './path.ts';

export const SEVERITIES = ['error', 'warning', 'info'] as const;
/** Rule dialects: captures and a check, or one declarative ast-grep rule. */
export const ENGINES = ['runtime', 'sg'] as const;
export const CASE_KINDS = ['valid', 'invalid'] as const;

/** Attempts of a generation when the request sets no limit. */
export const DEFAULT_ATTEMPTS = 5;
export const MAX_ATTEMPTS = 10;
export const MAX_CASES = 200;
export const MAX_CASE_FILES = 200;
/** One case must fit a sandbox call beside the rule with room to spare (host body limit 8 MiB). */
export const MAX_CASE_BYTES = 1024 * 1024;
export const MAX_REQUEST_BYTES = 8 * 1024 * 1024;

export const slug = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be lower-case letters, digits and dashes, at most 63',
  );

/** Where a finding is expected; every field given must match. */
export const expectedFinding = z.strictObject({
  file: relativePath,
  line: z.int().min(1).optional(),
  /** A part of the message, letter case ignored. */
  message: z.string().min(1).max(500).optional(),
});

const fileRecord = z.record(z.string(), z.string()).superRefine((files, context) => {
  const paths = Object.keys(files);
  if (paths.length === 0) fail(context, 'a case needs at least one file');
  if (paths.length > MAX_CASE_FILES) fail(context, `a case has at most ${MAX_CASE_FILES} files`);
  for (const path of paths) {
    const parsed = relativePath.safeParse(path);
    if (!parsed.success) fail(context, parsed.error.issues[0]?.message ?? 'bad path');
  }
  const clash = fileFolderClash(paths);
  if (clash !== null) fail(context, `${JSON.stringify(clash)} is both a file and a folder`);
  let bytes = 0;
  for (const [path, text] of Object.entries(files)) {
    bytes += byteLength(text);
    if (!text.isWellFormed()) fail(context, `file ${JSON.stringify(path)} is not valid Unicode`);
  }
  if (bytes > MAX_CASE_BYTES) fail(context, `a case has at most ${MAX_CASE_BYTES} bytes of files`);
});

const caseFiles = withoutProto.pipe(fileRecord);

export const caseSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(120)
    .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must be printable text'),
  kind: z.enum(CASE_KINDS),
  files: caseFiles,
  findings: z.array(expectedFinding).min(1).max(100).optional(),
});

export const limitsSchema = z.strictObject({
  attempts: z.int().min(1).max(MAX_ATTEMPTS).optional(),
  caseTimeoutMs: z.int().min(500).max(10_000).optional(),
  costUsd: z.number().positive().max(1_000).optional(),
});

/** Advice beside the prompt, as a retry brings it. */
export const guidance = z.string().trim().min(1).max(4_000);

export const requestSchema = z
  .strictObject({
    name: slug.optional(),
    prompt: z.string().trim().min(1).max(8_000),
    guidance: guidance.optional(),
    /** `auto`: decided before the first attempt. Absent: `runtime`. */
    engine: z.enum([...ENGINES, 'auto']).optional(),
    language: z.string().min(1).max(40).optional(),
    severity: z.enum(SEVERITIES).optional(),
    /** Hosts that the rule may ask for. Absent: none. */
    egress: z.array(egressHost).min(1).max(MAX_HOSTS).optional(),
    cases: z.array(caseSchema).min(2).max(MAX_CASES),
    limits: limitsSchema.optional(),
    /** Where the end of the generation is told. */
    callbackUrl: callbackUrl.optional(),
  })
  .superRefine((request, context) => {
    if (request.engine === 'sg' && request.egress !== undefined) {
      context.addIssue({ code: 'custom', path: ['egress'], message: 'an sg rule has no check to ask hosts' });
    }
    for (const { index, message } of caseSetProblems(request.cases)) {
      context.addIssue({ code: 'custom', path: ['cases', index], message });
    }
    for (const kind of CASE_KINDS) {
      if (!request.cases.some((one) => one.kind === kind)) {
        context.addIssue({
          code: 'custom',
          path: ['cases'],
          message: `no ${kind} case: a rule is tested against both kinds`,
        });
      }
    }
  });

export type RuleRequest = z.infer<typeof requestSchema>;
export type RuleCase = z.infer<typeof caseSchema>;
export type Engine = (typeof ENGINES)[number];
export type CaseKind = (typeof CASE_KINDS)[number];
export type ExpectedFinding = z.infer<typeof expectedFinding>;

/** Problems no single case shows: same name, same files, or the same files under both labels. */
function caseSetProblems(cases: readonly RuleCase[]): { index: number; message: string }[] {
  const problems: { index: number; message: string }[] = [];
  const byName = new Map<string, number>();
  const byContent = new Map<string, number>();
  for (const [index, one] of cases.entries()) {
    if (one.kind === 'valid' && one.findings !== undefined) {
      problems.push({ index, message: 'a valid case cannot expect findings' });
    }
    for (const finding of one.findings ?? []) {
      if (!Object.hasOwn(one.files, finding.file)) {
        problems.push({
          index,
          message: `expects a finding in ${JSON.stringify(finding.file)}, which it does not contain`,
        });
      }
    }
    const sameName = byName.get(one.name);
    if (sameName !== undefined) {
      problems.push({ index, message: `has the same name as case ${sameName}` });
    }
    byName.set(one.name, index);
    const content = JSON.stringify(Object.entries(one.files).sort(([a], [b]) => (a < b ? -1 : 1)));
    const sameContent = byContent.get(content);
    if (sameContent !== undefined) {
      const same = cases[sameContent]?.kind === one.kind;
      problems.push({
        index,
        message: same
          ? `duplicates case ${sameContent}: the same files`
          : `has the same files as case ${sameContent} under the other label, so no rule can tell them apart`,
      });
    }
    byContent.set(content, index);
  }
  return problems;
}

function fail(context: z.RefinementCtx, message: string): void {
  context.addIssue({ code: 'custom', message });
}
