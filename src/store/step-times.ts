/**
 * How long the steps of a generation took: one row for each generation, written when it ends, so that measuring
 * costs one write and not one for every step.
 */

export interface StepTime {
  /** Its name, `verify 2.1`. */
  readonly step: string;
  readonly startedMs: number;
  /** Of the run that gave the result, not of those that failed before it. */
  readonly durationMs: number;
  /** Which run that was; 1: the first. */
  readonly stepAttempt: number;
}

export class StepTimeStore {
  readonly #db: D1Database;

  constructor(db: D1Database) {
    this.#db = db;
  }

  /** The first times stay: a step that runs again changes nothing. */
  async keep(orgId: string, generationId: string, times: readonly StepTime[]): Promise<void> {
    const steps = times.map((one) => [kindOf(one.step), one.durationMs, one.stepAttempt, one.startedMs]);
    await this.#db
      .prepare(
        'INSERT INTO step_times (generation_id, org_id, steps) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING',
      )
      .bind(generationId, orgId, JSON.stringify(steps))
      .run();
  }
}

/** `verify` of `verify 2.1`. */
function kindOf(step: string): string {
  return step.split(' ')[0] ?? step;
}
