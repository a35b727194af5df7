/**
 * Reads what came over a check's result channel. It is hostile input: parsed with JSON.parse alone,
 * checked value by value, copied into fresh objects. Nothing is repaired: a finding that is wrong in
 * any way makes the whole result invalid, with a message the rule's author can act on.
 */
import { MAX_FINDING_MESSAGE_CHARS, MAX_FINDINGS, MAX_FINDINGS_CHARS } from './limits.ts';
import { checkError } from './outcome.ts';
import { pathProblem } from './paths.ts';
import type { CheckError, Finding, Severity } from './protocol.ts';
import { cleanText } from './text.ts';

/** What a check's runner said on the result channel. */
export type RunnerAnswer =
  | { readonly kind: 'none'; readonly started: boolean }
  | { readonly kind: 'garbled' }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'error'; readonly value: unknown };

/** The channel must hold exactly: a start frame, then at most one result or error frame. */
export function readFrames(text: string, token: string): RunnerAnswer {
  if (text === '') return { kind: 'none', started: false };
  const start = `${token} S \n`;
  if (!text.startsWith(start)) return { kind: 'garbled' };
  const rest = text.slice(start.length);
  if (rest === '') return { kind: 'none', started: true };
  const kind = rest.startsWith(`${token} R `)
    ? 'result'
    : rest.startsWith(`${token} E `)
      ? 'error'
      : undefined;
  if (kind === undefined || rest.indexOf('\n') !== rest.length - 1) return { kind: 'garbled' };
  try {
    return { kind, value: JSON.parse(rest.slice(token.length + 3)) as unknown };
  } catch {
    return { kind: 'garbled' };
  }
}

export interface Thrown {
  readonly error: CheckError;
  /** `code` of what was thrown, or nothing. */
  readonly code: string;
}

/**
 * An error frame: four strings, each of them the check's to choose.
 * @param lineInCheck captures the line where a stack names the check's file
 * @param nameCheck writes `check.ts` for that file
 */
export function readThrown(value: unknown, lineInCheck: RegExp, nameCheck: (text: string) => string): Thrown {
  const fields = new Map<string, unknown>(
    Object.entries(typeof value === 'object' && value !== null ? value : {}),
  );
  const text = (key: string): string => {
    const field = fields.get(key);
    return typeof field === 'string' ? field : '';
  };
  const line = Number(lineInCheck.exec(text('stack'))?.[1]);
  const name = cleanText(text('name'), 100) || 'Error';
  const known = Number.isInteger(line) && line >= 1 ? line : undefined;
  return { error: checkError(name, nameCheck(text('message')), known), code: text('code') };
}

/** How much a check may return. */
export interface FindingCaps {
  readonly count: number;
  /** Of files and messages together. */
  readonly chars: number;
  /** Why a finding cannot be in this file, or undefined when it can. */
  readonly pathProblem: (path: string) => string | undefined;
}

export const CASE_FINDINGS: FindingCaps = { count: MAX_FINDINGS, chars: MAX_FINDINGS_CHARS, pathProblem };

export type FindingsResult = { readonly findings: readonly Finding[] } | { readonly problem: string };

export function readFindings(value: unknown, caps = CASE_FINDINGS): FindingsResult {
  if (!Array.isArray(value))
    return { problem: `the check must return an array of findings, not ${kindOf(value)}` };
  if (value.length > caps.count) return { problem: `the check returned more than ${caps.count} findings` };
  const findings: Finding[] = [];
  let chars = 0;
  for (const [index, item] of value.entries()) {
    const read = readFinding(item, caps);
    if (typeof read === 'string') return { problem: `finding ${index}: ${read}` };
    chars += read.file.length + read.message.length;
    if (chars > caps.chars) {
      return { problem: `the findings are longer than ${caps.chars} characters together` };
    }
    findings.push(read);
  }
  return { findings };
}

function readFinding(item: unknown, caps: FindingCaps): Finding | string {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return `is ${kindOf(item)}, not an object`;
  const fields = new Map<string, unknown>(Object.entries(item));
  const type = fields.get('type');
  if (fields.size === 1 && typeof type === 'string') return `is ${cleanText(type, 40)}, not an object`;
  const [file, message] = [fields.get('file'), fields.get('message')];
  if (typeof file !== 'string') return `file must be a string, not ${kindOf(file)}`;
  const problem = caps.pathProblem(file);
  if (problem !== undefined)
    return `file must be a path relative to the root; ${JSON.stringify(cleanText(file, 120))} ${problem}`;
  if (typeof message !== 'string') return `message must be a string, not ${kindOf(message)}`;
  if (message.length > MAX_FINDING_MESSAGE_CHARS) {
    return `message is longer than ${MAX_FINDING_MESSAGE_CHARS} characters`;
  }
  const text = cleanText(message, MAX_FINDING_MESSAGE_CHARS);
  if (text.trim() === '') return 'message is empty';
  const [line, column] = [fields.get('line'), fields.get('column')];
  for (const [name, number] of [
    ['line', line],
    ['column', column],
  ] as const) {
    if (number !== undefined && !isPosition(number)) {
      return `${name} must be a whole number from 1, not ${kindOf(number)}`;
    }
  }
  const severity = fields.get('severity');
  if (severity !== undefined && !isSeverity(severity)) return 'severity must be error, warning or info';
  return {
    file,
    message: text,
    ...(line === undefined ? {} : { line: line as number }),
    ...(column === undefined ? {} : { column: column as number }),
    ...(severity === undefined ? {} : { severity }),
  };
}

function isPosition(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 10_000_000;
}

function isSeverity(value: unknown): value is Severity {
  return value === 'error' || value === 'warning' || value === 'info';
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'object') {
    // The runner's stand-in for a value that is not data.
    const type = new Map<string, unknown>(Object.entries(value)).get('type');
    return typeof type === 'string' ? cleanText(type, 40) : 'an object';
  }
  return typeof value === 'undefined' ? 'missing' : `a ${typeof value}`;
}
