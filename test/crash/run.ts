/**
 * `npm run crash`: kills the whole local stack before and after every effect of every step, and judges what is
 * left. Ends with 1 when anything was lost, doubled or left open. `-- --generations N --kills N --lanes N --seed N`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endWithParent } from '../../dev/end-with-parent.ts';
import { random } from '../support/random.ts';
import { dryRun, killRun, type Outcome } from './campaign.ts';
import { Coverage } from './coverage.ts';
import { Lane } from './lane.ts';
import { startCountingModel } from './model.ts';
import { startReceiver } from './receiver.ts';
import { SCENARIOS } from './scenarios.ts';

endWithParent();

const { values } = parseArgs({
  options: {
    generations: { type: 'string', default: '200' },
    kills: { type: 'string', default: '100000' },
    lanes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const wanted = { generations: Number(values.generations), kills: Number(values.kills) };
const startedMs = performance.now();
const scratch = await mkdtemp(join(tmpdir(), 'assay-crash-'));
const world = { model: await startCountingModel(), receiver: await startReceiver() };
const { model } = world;
const coverage = new Coverage(random(Number(values.seed)));
say(`seed ${values.seed}, state in ${scratch}`);

const dry = new Lane(join(scratch, 'dry'), model.url);
const first = await dryRun(dry, world, coverage);
await dry.close();
say(
  `dry run: ${first.played.length} generations, ${coverage.size.points} points, ${coverage.size.moments} moments`,
);

let kills = 0;
// Ctrl-C: nothing more is killed, and what was is judged.
process.once('SIGINT', () => {
  wanted.kills = 0;
});
const done = new Map<string, number>();
const generations = () => [...done.values()].reduce((sum, count) => sum + count, 0);
const outcomes: Outcome[] = [first];
if (first.problems.length === 0) {
  const lanes = Array.from({ length: Number(values.lanes) }, async (_, index) => {
    const name = `lane${index + 1}`;
    const lane = new Lane(join(scratch, name), model.url);
    const outcome = await killRun(lane, world, {
      name,
      atOnce: 10,
      coverage,
      scenarios: SCENARIOS,
      goesOn: (ended) => {
        done.set(name, ended);
        const more = coverage.open.size > 0 || generations() < wanted.generations;
        return more && kills < wanted.kills;
      },
      onKill: (point) => {
        kills += 1;
        const { size } = coverage.open;
        say(`kill ${kills}, ${size} moments left, ${generations()} generations ended: ${name} at ${point}`);
      },
    });
    await lane.close();
    return outcome;
  });
  outcomes.push(...(await Promise.all(lanes)));
}
await model.close();
await world.receiver.close();
report();

function report(): void {
  const played = outcomes.flatMap((outcome) => outcome.played);
  const problems = outcomes.flatMap((outcome) => outcome.problems);
  process.stdout.write(`\n${table()}\n\n`);
  const { moments, points } = coverage.size;
  const killedAt = [...coverage.kills.keys()];
  const aftermath = killedAt.filter((point) => coverage.isAftermath(point)).length;
  say(
    `${played.length} generations, ${kills} kills, ${model.paid.length} model answers, ${world.receiver.received.length} webhooks`,
  );
  say(
    `killed in ${moments - coverage.open.size} of ${moments} moments, at ${killedAt.length - aftermath} of ${points} points`,
  );
  say(`and at ${aftermath} points that only a crash brings up`);
  for (const moment of coverage.open) say(`not killed at: ${moment.join(', ')}`);
  for (const problem of problems) say(`WRONG: ${problem}`);
  if (problems.length === 0) {
    say('every generation ended as it had to; nothing was lost and nothing doubled');
    void rm(scratch, { recursive: true, force: true });
  } else process.exitCode = 1;
}

/** By place: how many points of it there are, and how often a stack was killed there. */
function table(): string {
  const places = new Map<string, { points: number; killed: number; kills: number }>();
  for (const point of new Set([...coverage.points, ...coverage.kills.keys()])) {
    const place = point.split(' | ')[0] ?? '';
    const row = places.get(place) ?? { points: 0, killed: 0, kills: 0 };
    const times = coverage.kills.get(point) ?? 0;
    places.set(place, {
      points: row.points + 1,
      killed: row.killed + (times > 0 ? 1 : 0),
      kills: row.kills + times,
    });
  }
  const line = (...cells: (string | number)[]) =>
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(34) : String(cell).padStart(8))).join('');
  return [
    line('place', 'points', 'killed', 'kills'),
    ...[...places].sort().map(([place, row]) => line(place, row.points, row.killed, row.kills)),
  ].join('\n');
}

function say(text: string): void {
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  process.stdout.write(`${String(seconds).padStart(5)} s  ${text}\n`);
}
