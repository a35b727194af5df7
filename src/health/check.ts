/**
 * Looks at every part the service is made of and says what is wrong, part by part. Nothing is paid, started or
 * changed for it: no model is called and no container is started. A part that does not answer in time is down.
 */
import type { Config } from '../env.ts';
import { Fault, messageOf, reasonOf } from '../errors.ts';
import { HEALTH_STATES, type Health, type HealthPart, type HealthState } from '../schema/health.ts';
import { openStore } from '../store/store.ts';
import { generationsPart, modelPart } from './generations.ts';
import { logPart } from './log.ts';
import { sandboxParts } from './sandboxes.ts';
import { databasePart, objectsPart, workflowPart } from './stores.ts';
import { trustPart } from './trust.ts';

export const PART_TIMEOUT_MS = 5_000;

/** What a part found out. One that throws is down, with the error's reason and its own next move. */
export interface Finding {
  readonly state: HealthState;
  readonly message: string;
  readonly next: string | null;
}

export interface Part {
  readonly name: string;
  /** The next move when it throws. */
  readonly mend: string;
  readonly look: () => Promise<Finding>;
}

export const fine = (message: string): Finding => ({ state: 'ok', message, next: null });

/** @param orgId whose generations are looked at; the rest is the deployment's */
export async function checkHealth(config: Config, orgId: string, now: Date): Promise<Health> {
  const store = openStore(config.db, config.bucket);
  const parts: Part[] = [
    databasePart(config.db),
    objectsPart(config.bucket),
    workflowPart(config),
    ...sandboxParts(config.sandboxes),
    logPart(config),
    modelPart(config, store, orgId, now),
    trustPart(config, store, now),
    generationsPart(store, orgId, now),
  ];
  const found = await Promise.all(parts.map(lookAt));
  const worst = Math.max(...found.map((one) => HEALTH_STATES.indexOf(one.state)));
  return { state: HEALTH_STATES[worst] ?? 'down', checkedAt: now.toISOString(), parts: found };
}

async function lookAt({ name, mend, look }: Part): Promise<HealthPart> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Finding>((resolve) => {
    const message = `gave no answer within ${PART_TIMEOUT_MS / 1_000} s`;
    timer = setTimeout(() => resolve({ state: 'down', message, next: mend }), PART_TIMEOUT_MS);
  });
  try {
    return { part: name, ...(await Promise.race([look(), late])) };
  } catch (error) {
    // What we did not throw ourselves says nothing of itself in an answer.
    const message = error instanceof Fault ? error.reason : asKnown(error);
    return { part: name, state: 'down', message, next: mend };
  } finally {
    clearTimeout(timer);
  }
}

/** A fault that came over a hop has lost its class; its code is in its message. */
function asKnown(error: unknown): string {
  const text = messageOf(error);
  return /(?:^|: )[A-Z]+_[A-Z_]+: /.test(text) ? reasonOf(error) : 'it failed; the cause is in the log';
}
