/**
 * Strict reading of a `POST /verify` body. The caller is trusted, but what it forwards was written by
 * strangers, so everything is checked again: unknown keys, paths, counts and sizes. Nothing is
 * repaired; the first problem is refused with its place in the body.
 */
import {
  MAX_CAPTURES,
  MAX_CASES,
  MAX_FILE_BYTES,
  MAX_FILES_PER_CASE,
  MAX_FINDING_MESSAGE_CHARS,
} from './limits.ts';
import { folderClash, pathProblem } from './paths.ts';
import {
  CASE_TIMEOUT_MS,
  type CaptureInput,
  type CaseInput,
  HOST_TOTAL_TIMEOUT_MS,
  type MatchReport,
  PROTOCOL_VERSION,
  type RuleInput,
  type VerifyLimits,
  type VerifyRequest,
} from './protocol.ts';

export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

type Fields = Readonly<Record<string, unknown>>;

export function parseRequest(text: string): VerifyRequest {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadRequest('the body is not JSON');
  }
  const fields = objectAt(body, 'body', ['protocol', 'nonce', 'rule', 'cases', 'limits']);
  if (fields.protocol !== PROTOCOL_VERSION) {
    throw new BadRequest(`protocol must be ${PROTOCOL_VERSION}`);
  }
  return {
    protocol: PROTOCOL_VERSION,
    nonce: patternAt(fields.nonce, 'nonce', /^[\w.:-]{8,128}$/),
    rule: ruleAt(fields.rule),
    cases: casesAt(fields.cases),
    limits: limitsAt(fields.limits),
  };
}

function ruleAt(value: unknown): RuleInput {
  const fields = objectAt(value, 'rule', ['files', 'captures', 'report']);
  const files = filesAt(fields.files, 'rule.files', MAX_CAPTURES + 1);
  const report = fields.report === undefined ? undefined : reportAt(fields.report);
  if (report === undefined && files['check.ts'] === undefined) {
    throw new BadRequest('rule.files has no check.ts');
  }
  for (const path of Object.keys(files)) {
    if (path !== 'check.ts' && !/^captures\/[^/]+\.ya?ml$/.test(path)) {
      throw new BadRequest(`rule.files: ${JSON.stringify(path)} is neither check.ts nor captures/*.yml`);
    }
  }
  const captures = capturesAt(fields.captures, files);
  if (report === undefined) return { files, captures };
  if (files['check.ts'] !== undefined) throw new BadRequest('rule has both a check.ts and a report');
  if (captures.length !== 1 || captures[0]?.match !== 'anchor') {
    throw new BadRequest('a rule with a report has one capture, and that is an anchor');
  }
  return { files, captures, report };
}

function reportAt(value: unknown): MatchReport {
  const fields = objectAt(value, 'rule.report', ['message', 'severity']);
  const { severity } = fields;
  if (severity !== 'error' && severity !== 'warning' && severity !== 'info') {
    throw new BadRequest('rule.report.severity must be error, warning or info');
  }
  const message = stringAt(fields.message, 'rule.report.message', MAX_FINDING_MESSAGE_CHARS);
  if (message.trim() === '') throw new BadRequest('rule.report.message is empty');
  return { message, severity };
}

function capturesAt(value: unknown, files: Readonly<Record<string, string>>): CaptureInput[] {
  const captures = arrayAt(value, 'rule.captures', MAX_CAPTURES).map((item, index): CaptureInput => {
    const at = `rule.captures[${index}]`;
    const fields = objectAt(item, at, ['file', 'id', 'name', 'match', 'language', 'scoped']);
    const file = stringAt(fields.file, `${at}.file`, 300);
    if (!file.startsWith('captures/') || files[file] === undefined) {
      throw new BadRequest(`${at}.file names no capture file of the rule`);
    }
    const match = fields.match;
    if (match !== 'anchor' && match !== 'broad') {
      throw new BadRequest(`${at}.match must be "anchor" or "broad"`);
    }
    return {
      file,
      id: patternAt(fields.id, `${at}.id`, /^[\w.@:-]{1,200}$/),
      name: patternAt(fields.name, `${at}.name`, /^[^\u0000-\u001f\u007f-\u009f]{1,200}$/),
      match,
      language: patternAt(fields.language, `${at}.language`, /^[A-Za-z][\w+#-]{0,39}$/),
      scoped: booleanAt(fields.scoped, `${at}.scoped`),
    };
  });
  const listed = new Set(captures.map((capture) => capture.file));
  if (listed.size !== captures.length) throw new BadRequest('rule.captures lists a file twice');
  const captureFiles = Object.keys(files).filter((path) => path !== 'check.ts');
  if (listed.size === 0 || listed.size !== captureFiles.length) {
    throw new BadRequest('rule.captures must list every captures/* file, and there must be one');
  }
  if (new Set(captures.map((capture) => capture.id)).size !== captures.length) {
    throw new BadRequest('rule.captures has the same id twice');
  }
  return captures;
}

function casesAt(value: unknown): CaseInput[] {
  const cases = arrayAt(value, 'cases', MAX_CASES).map((item, index): CaseInput => {
    const fields = objectAt(item, `cases[${index}]`, ['id', 'files']);
    return {
      id: patternAt(fields.id, `cases[${index}].id`, /^[\w-]{1,64}$/),
      files: filesAt(fields.files, `cases[${index}].files`, MAX_FILES_PER_CASE),
    };
  });
  if (cases.length === 0) throw new BadRequest('cases is empty');
  if (new Set(cases.map((each) => each.id)).size !== cases.length) {
    throw new BadRequest('cases has the same id twice');
  }
  return cases;
}

function limitsAt(value: unknown): VerifyLimits {
  const fields = objectAt(value, 'limits', ['caseTimeoutMs', 'totalTimeoutMs']);
  return {
    caseTimeoutMs: integerAt(fields.caseTimeoutMs, 'limits.caseTimeoutMs', 100, CASE_TIMEOUT_MS),
    totalTimeoutMs: integerAt(fields.totalTimeoutMs, 'limits.totalTimeoutMs', 100, HOST_TOTAL_TIMEOUT_MS),
  };
}

function filesAt(value: unknown, at: string, maxFiles: number): Record<string, string> {
  const fields = objectAt(value, at);
  const entries = Object.entries(fields);
  if (entries.length > maxFiles) throw new BadRequest(`${at} has more than ${maxFiles} files`);
  // Without a prototype, so that `__proto__` is a file name like any other.
  const files: Record<string, string> = Object.create(null);
  for (const [path, text] of entries) {
    const problem = pathProblem(path);
    if (problem !== undefined) throw new BadRequest(`${at}: path ${JSON.stringify(path)} ${problem}`);
    if (typeof text !== 'string') throw new BadRequest(`${at}: ${JSON.stringify(path)} is not text`);
    if (Buffer.byteLength(text) > MAX_FILE_BYTES) {
      throw new BadRequest(`${at}: ${JSON.stringify(path)} is larger than ${MAX_FILE_BYTES} bytes`);
    }
    files[path] = text;
  }
  const clash = folderClash(Object.keys(files));
  if (clash !== undefined) {
    throw new BadRequest(`${at}: ${JSON.stringify(clash)} is both a file and a folder`);
  }
  return files;
}

function objectAt(value: unknown, at: string, known?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadRequest(`${at} must be an object`);
  }
  const unknownKey = known && Object.keys(value).find((key) => !known.includes(key));
  if (unknownKey !== undefined)
    throw new BadRequest(`${at} has the unknown key ${JSON.stringify(unknownKey)}`);
  return value as Fields;
}

function arrayAt(value: unknown, at: string, max: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadRequest(`${at} must be an array`);
  if (value.length > max) throw new BadRequest(`${at} has more than ${max} entries`);
  return value;
}

function stringAt(value: unknown, at: string, maxChars: number): string {
  if (typeof value !== 'string' || value.length > maxChars) {
    throw new BadRequest(`${at} must be a string of at most ${maxChars} characters`);
  }
  return value;
}

function patternAt(value: unknown, at: string, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) {
    throw new BadRequest(`${at} must be a string matching ${pattern.source}`);
  }
  return value;
}

function booleanAt(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') throw new BadRequest(`${at} must be true or false`);
  return value;
}

function integerAt(value: unknown, at: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new BadRequest(`${at} must be an integer from ${min} to ${max}`);
  }
  return value;
}
