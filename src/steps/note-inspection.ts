/** What an inspection notes of an attempt, with its event: how large the rule is, or that it ends here. */
import type { Problem } from '../rules/result.ts';
import type { Rule } from '../schema/rule.ts';
import type { Change } from '../store/changed.ts';
import type { Job, StepDeps } from './deps.ts';

type Deps = Pick<StepDeps, 'store' | 'now'>;
type About = Readonly<Record<string, unknown>>;

/** @param about what the event says beside the rule */
export async function noteAccepted(
  job: Job,
  attempt: number,
  { name, engine, size }: Rule,
  about: About,
  deps: Deps,
): Promise<void> {
  await deps.store.change(
    deps.store.attempts.sizing({ ...job, n: attempt }, size),
    inspected(job, attempt, { accepted: true, name, engine, size, ...about }, deps),
  );
}

export async function noteRefused(job: Job, attempt: number, summary: string, deps: Deps): Promise<void> {
  const end = { verdict: 'rejected', summary, casesPassed: 0, sandboxMs: 0 } as const;
  await deps.store.change(
    ...deps.store.attempts.ending({ ...job, n: attempt }, end, [], deps.now().toISOString()),
    inspected(job, attempt, { accepted: false, message: summary }, deps),
  );
}

/** The first of the problems, and how many more there are. */
export function inShort(problems: readonly Problem[]): string {
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return `${problems[0]?.message ?? 'unknown'}${more}`;
}

function inspected(job: Job, attempt: number, about: About, { store, now }: Deps): Change {
  const data = { attempt, ...about };
  const event = { key: `attempt:${attempt}:inspected`, type: 'inspected', data } as const;
  return store.events.appending(job, event, now().toISOString());
}
