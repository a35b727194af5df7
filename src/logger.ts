/**
 * The one place that writes the log: JSON, one line for each thing that happened, for machines first. A line has
 * a level, an event and facts with fixed names. It refuses to carry what must not be in a log: values are short,
 * and what looks like a token or a key is blotted out. Prompts, sources and answers have no field to be in.
 */

export const LOG_LEVELS = ['info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line may say. A new fact gets a name here, so that the same thing is called the same everywhere. */
export interface LogFacts {
  readonly generation?: string | undefined;
  readonly org?: string | undefined;
  readonly batch?: string | undefined;
  /** Id of a webhook's delivery, and of what it tells about. */
  readonly delivery?: string | undefined;
  readonly subject?: string | undefined;
  readonly step?: string | undefined;
  /** 1-based; grows with every retry of the step. */
  readonly stepAttempt?: number | undefined;
  readonly durationMs?: number | undefined;
  readonly code?: string | undefined;
  /** Of an error: what it says for people. */
  readonly message?: string | undefined;
  readonly requestId?: string | undefined;
  readonly method?: string | undefined;
  /** The pattern of the route, never the path that was asked for. */
  readonly route?: string | undefined;
  readonly status?: number | undefined;
  readonly budget?: string | undefined;
  /** Id of a container. */
  readonly container?: string | undefined;
  /** Counts of what a sweep did. */
  readonly started?: number | undefined;
  readonly woken?: number | undefined;
  readonly restarted?: number | undefined;
  readonly ended?: number | undefined;
  readonly deleted?: number | undefined;
  readonly expired?: number | undefined;
  readonly objects?: number | undefined;
  readonly rows?: number | undefined;
}

/** Longer texts are cut: an error may quote what it was given. */
export const MAX_LOGGED_CHARS = 300;

/** Tokens of ours, keys of the model's endpoint, secrets of webhooks, bearer headers, private keys. */
const SECRET =
  /assay_[\w-]{8,}|sk-[\w-]{8,}|whsec_[\w+/=-]{8,}|Bearer\s+\S+|MC4CAQAw[\w+/=-]*|-----BEGIN[\s\S]*/g;

let lowest: LogLevel = 'info';

/** Lines below this level are not written. By the setting `LOG_LEVEL`. */
export function setLogLevel(level: LogLevel): void {
  lowest = level;
}

export function log(level: LogLevel, event: string, facts: LogFacts = {}): void {
  if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(lowest)) return;
  const line = JSON.stringify({ level, event, ...facts }, (_name, value: unknown) =>
    typeof value === 'string' ? clean(value) : value,
  );
  if (level === 'error') console.error(line);
  else if (level === 'warn') console.warn(line);
  else console.log(line);
}

function clean(text: string): string {
  const open = text.replace(SECRET, '[removed]');
  return open.length > MAX_LOGGED_CHARS ? `${open.slice(0, MAX_LOGGED_CHARS).toWellFormed()}…` : open;
}
