/**
 * Bindings, steps and fetch with somebody told before and after everything they do, so that a test can stop the
 * world there or make it fail. What is told about an effect that ends: `before` it is asked for, `after` it was
 * done and before its caller hears of it. Changes nothing by itself.
 */
import type { WorkflowStep } from 'cloudflare:workers';
import type { Bindings } from '../../src/env.ts';

export interface Effect {
  readonly on: 'd1' | 'r2' | 'workflow' | 'log' | 'fetch';
  /** The same for every generation: `INSERT events`, `put attempts/#/reply.json`, `POST /v1/messages`. */
  readonly does: string;
  readonly writes: boolean;
}

export type When = 'before' | 'after';
/** Throws to make the effect fail (`before`), or its answer be lost (`after`). */
export type Tap = (effect: Effect, when: When) => Promise<void>;

export function tappedBindings(bindings: Bindings, tap: Tap): Bindings {
  const { DB, BUCKET, GENERATE_RULE, DELIVER_WEBHOOK, BATCH, TRANSPARENCY_LOG } = bindings;
  return {
    ...bindings,
    ...(DB === undefined ? {} : { DB: tappedDatabase(DB, tap) }),
    ...(BUCKET === undefined ? {} : { BUCKET: tappedBucket(BUCKET, tap) }),
    ...(GENERATE_RULE === undefined ? {} : { GENERATE_RULE: tappedWorkflow(GENERATE_RULE, tap) }),
    ...(DELIVER_WEBHOOK === undefined ? {} : { DELIVER_WEBHOOK: tappedWorkflow(DELIVER_WEBHOOK, tap) }),
    ...(BATCH === undefined ? {} : { BATCH: tappedWorkflow(BATCH, tap) }),
    ...(TRANSPARENCY_LOG === undefined ? {} : { TRANSPARENCY_LOG: tappedLog(TRANSPARENCY_LOG, tap) }),
  };
}

export function tappedBucket(bucket: R2Bucket, tap: Tap): R2Bucket {
  const on = (verb: string, writes: boolean) => (key: unknown) =>
    ({ on: 'r2', does: `${verb} ${objectName(String(key))}`, writes }) as const;
  return told(bucket, tap, {
    get: on('get', false),
    head: on('head', false),
    put: on('put', true),
    delete: on('delete', true),
  });
}

/** The same platform step, with `body` round every body, and `returned` when its result is recorded. */
export function tappedStep(
  step: WorkflowStep,
  body: (name: string, attempt: number, run: () => Promise<unknown>) => Promise<unknown>,
  returned: (name: string) => Promise<void> = () => Promise.resolve(),
): WorkflowStep {
  type Body = (context: { attempt: number }) => Promise<unknown>;
  // Called as a method and never taken apart: the step is a stub, whose properties are calls to come.
  const real = step as unknown as { do(name: string, config: object, body: Body): Promise<unknown> };
  const tapped = async (name: string, config: object, inner: Body): Promise<unknown> => {
    // biome-ignore lint/plugin: what durable() asks for comes through here
    const result = await real.do(name, config, (context) =>
      body(name, context.attempt, () => inner(context)),
    );
    await returned(name);
    return result;
  };
  return new Proxy(step, {
    get: (of, name) => (name === 'do' ? tapped : Reflect.get(of, name, of)),
  });
}

export function tappedFetch(real: typeof fetch, tap: Tap): typeof fetch {
  return async (input: RequestInfo | URL, init?: RequestInit) => {
    const asked = new Request(input, init);
    const path = new URL(asked.url).pathname.replace(/msgbatch_[^/]+/, 'msgbatch_*');
    const effect: Effect = { on: 'fetch', does: `${asked.method} ${path}`, writes: true };
    return around(tap, effect, () => real(asked));
  };
}

function tappedDatabase(db: D1Database, tap: Tap): D1Database {
  const realOf = new WeakMap<D1PreparedStatement, { real: D1PreparedStatement; effect: Effect }>();
  const tapped = (real: D1PreparedStatement, effect: Effect): D1PreparedStatement => {
    const calls = Object.fromEntries(
      (['run', 'first', 'all', 'raw'] as const).map((name) => [name, () => effect]),
    );
    const watched = told(real, tap, calls, {
      bind: (...values: unknown[]) => tapped(real.bind(...values), effect),
    });
    realOf.set(watched, { real, effect });
    return watched;
  };
  return told(
    db,
    tap,
    {},
    {
      prepare: (sql: string) => tapped(db.prepare(sql), effectOf(sql)),
      batch: (statements: D1PreparedStatement[]) => {
        const parts = statements.map(
          (one) => realOf.get(one) ?? { real: one, effect: effectOf('SELECT unknown') },
        );
        const does = [...new Set(parts.map(({ effect }) => effect.does))].join(' + ');
        const writes = parts.some(({ effect }) => effect.writes);
        const effect: Effect = { on: 'd1', does, writes };
        return around(tap, effect, () => db.batch(parts.map(({ real }) => real)));
      },
    },
  );
}

function tappedWorkflow<P>(workflow: Workflow<P>, tap: Tap): Workflow<P> {
  const effect = (does: string) => () => ({ on: 'workflow', does, writes: true }) as const;
  const calls = { sendEvent: effect('sendEvent'), terminate: effect('terminate') };
  const get = async (id: string) => told(await workflow.get(id), tap, calls);
  return told(workflow, tap, { create: effect('create') }, { get });
}

function tappedLog(
  log: NonNullable<Bindings['TRANSPARENCY_LOG']>,
  tap: Tap,
): NonNullable<Bindings['TRANSPARENCY_LOG']> {
  const append = () => ({ on: 'log', does: 'append', writes: true }) as const;
  return told(log, tap, {}, { get: (id: DurableObjectId) => told(log.get(id), tap, { append }) });
}

type Calls = Readonly<Record<string, (...args: unknown[]) => Effect>>;

/** `target` with the named calls told of, and others replaced. */
function told<T extends object>(target: T, tap: Tap, calls: Calls, replaced: object = {}): T {
  return new Proxy(target, {
    get(of, name) {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name);
      const describe = typeof name === 'string' && Object.hasOwn(calls, name) ? calls[name] : undefined;
      const value = ofTarget(of, name);
      if (describe === undefined || typeof value !== 'function') return value;
      return (...args: unknown[]) => around(tap, describe(...args), () => value(...args));
    },
  });
}

/** Platform objects know themselves only as themselves, never as a proxy. */
function ofTarget(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? (...args: unknown[]) => Reflect.apply(value, target, args) : value;
}

async function around<T>(tap: Tap, effect: Effect, run: () => Promise<T>): Promise<T> {
  await tap(effect, 'before');
  const result = await run();
  await tap(effect, 'after');
  return result;
}

function effectOf(sql: string): Effect {
  const [, verb = 'SELECT', table = ''] =
    /^\s*(INSERT|UPDATE|DELETE)(?: OR \w+)?(?: INTO| FROM)?\s+(\w+)/.exec(sql) ?? [];
  const from = /\bFROM\s+(\w+)/.exec(sql)?.[1] ?? '';
  return { on: 'd1', does: `${verb} ${table || from}`, writes: verb !== 'SELECT' };
}

/** The name without what differs between generations, or between batches. */
function objectName(key: string): string {
  return key
    .replace(/^orgs\/[^/]+\/generations\/[^/]+\//, '')
    .replace(/^orgs\/[^/]+\/batches\/[^/]+\//, 'batch/')
    .replace(/[0-9a-f]{64}/g, '*')
    .replace(/\d+/g, '#');
}
