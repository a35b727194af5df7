/**
 * Runs of the crash suite on one lane: a dry one, which says what points there are, and one with kills, which
 * goes on until every point was killed at and enough generations were made. Then everything may end, and is judged.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Coverage } from './coverage.ts';
import { judgeRun } from './judge.ts';
import type { Lane } from './lane.ts';
import type { CountingModel } from './model.ts';
import { type Played, play } from './play.ts';
import type { Receiver } from './receiver.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { judgeServed, logKeyOf, untilTold } from './served.ts';

/** Longer than any point is away; a life that comes to none is ended by hand. */
const LIFE_MS = 90_000;
/** For everything to end once nothing is killed any more. */
const DRAIN_MS = 300_000;

/** What outlives every stack. */
export interface World {
  readonly model: CountingModel;
  readonly receiver: Receiver;
}

export interface Outcome {
  readonly played: readonly Played[];
  readonly problems: readonly string[];
}

/** Every scenario once, nothing killed. */
export async function dryRun(lane: Lane, world: World, coverage: Coverage): Promise<Outcome> {
  const played: Played[] = [];
  await lane.start();
  for (const [index, scenario] of SCENARIOS.entries()) {
    const from = index === 0 ? 0 : lane.reached.length;
    played.push(...(await play(lane, scenario, `dry-${index}`, world.receiver.url)));
    // The last points come after the end was seen.
    await wait(500);
    coverage.learn(scenario.name, lane.reached.slice(from));
  }
  return finish(lane, world, played, []);
}

export interface Plan {
  readonly name: string;
  /** Scenarios of the lane that are under way at a time. */
  readonly atOnce: number;
  readonly coverage: Pick<Coverage, 'grace' | 'shouldKill' | 'next'>;
  readonly scenarios: readonly Scenario[];
  /** Whether to go on killing; asked after each life. */
  readonly goesOn: (generations: number) => boolean;
  readonly onKill: (point: string, lane: Lane) => void;
}

export async function killRun(lane: Lane, world: World, plan: Plan): Promise<Outcome> {
  const played: Played[] = [];
  const checkpoints: string[] = [];
  const underWay = new Set<Promise<unknown>>();
  const failed: unknown[] = [];
  let made = 0;
  let armed = true;
  let grace = 0;
  lane.shouldKill = (reached) => {
    grace -= 1;
    return armed && grace < 0 && plan.coverage.shouldKill(reached);
  };
  const topUp = (): void => {
    while (armed && underWay.size < plan.atOnce) {
      made += 1;
      const one = play(lane, plan.coverage.next(plan.scenarios), `${plan.name}-${made}`, world.receiver.url)
        .then((ended) => played.push(...ended))
        .catch((error: unknown) => failed.push(error))
        .finally(() => {
          underWay.delete(one);
          topUp();
        });
      underWay.add(one);
    }
  };
  while (plan.goesOn(played.length)) {
    grace = plan.coverage.grace(lane.lives + 1);
    await lane.start();
    topUp();
    void lane.text('/log/checkpoint').then((note) => checkpoints.push(note));
    const died = await Promise.race([lane.died(), wait(LIFE_MS, null, { ref: false })]);
    if (died === null) await lane.stop();
    else plan.onKill(died.point, lane);
  }
  armed = false;
  await lane.start();
  const drained = Promise.all(underWay).then(() => true);
  if (!(await Promise.race([drained, wait(DRAIN_MS, false, { ref: false })])))
    failed.push(
      `${underWay.size} scenarios did not end within ${DRAIN_MS / 1_000} s of a stack that nobody kills`,
    );
  const outcome = await finish(lane, world, played, checkpoints);
  return { played, problems: [...failed.map(String), ...outcome.problems] };
}

async function finish(
  lane: Lane,
  { model, receiver }: World,
  played: readonly Played[],
  checkpoints: readonly string[],
): Promise<Outcome> {
  const served = await judgeServed(lane, played);
  const logKey = await logKeyOf(lane);
  await untilTold(lane);
  await lane.stop();
  const problems = await judgeRun({
    ...{ lane, played, checkpoints, logKey },
    paid: model.paid,
    webhooks: receiver.received,
  });
  return { played, problems: [...served, ...problems] };
}
