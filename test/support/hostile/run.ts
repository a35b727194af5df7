/**
 * Runs attacks against one back end, a few at a time, and takes every outside measurement for each of them.
 * What cannot be told apart while several run (who came to a door, whose process is left) is looked at when
 * all of them have ended; when anything is found, each is run again alone to learn which it was.
 */
import type { HostCaseResult } from '../../../src/schema/report.ts';
import type { Attack, End } from './attack.ts';
import type { CorpusBackEnd, RunningBackEnd } from './back-ends.ts';
import { type Canaries, openCanaries } from './canaries.ts';
import { controlProblem, controlsUntil } from './control.ts';
import { ask, CASES_PER_RUN, newOwnText, requestOf, type Told } from './exchange.ts';
import { differs, expectedOf, nameOf } from './expectation.ts';
import { type Leftovers, watchLeftovers } from './leftovers.ts';
import type { Column } from './names.ts';

export interface AttackRecord {
  readonly attack: Attack;
  readonly column: Column;
  /** What it came to, for the matrix; the reason when it was not run. */
  readonly cell: string;
  readonly skipped: boolean;
  /** Empty when the attack was contained and ended exactly as expected. */
  readonly problems: readonly string[];
}

/** Enough to keep both slots of a small host busy while another attack ends. */
const AT_A_TIME = 24;

interface Bench {
  readonly chosen: CorpusBackEnd;
  readonly canaries: Canaries;
  readonly expected: (attack: Attack) => ReturnType<typeof expectedOf>;
  /** Another one after an attack that left the last without an answer to anyone. */
  backEnd: RunningBackEnd;
  leftovers: Leftovers;
}

/** @param onProgress told each time that all attacks of a category have run */
export async function runCorpus(
  chosen: CorpusBackEnd,
  attacks: readonly Attack[],
  onProgress: (text: string) => void = () => {},
): Promise<AttackRecord[]> {
  const canaries = await openCanaries();
  const expected = (attack: Attack) => expectedOf(attack, chosen.column, chosen.endsRunaways);
  const bench: Bench = { chosen, canaries, expected, ...(await startServing(chosen, canaries)) };
  try {
    const problems = await runAll(bench, attacks, onProgress);
    const left = await bench.leftovers.findAtRest();
    for (const ran of problems.values()) ran.found.push(...left.map((one) => `at the end: ${one}`));
    return attacks.map((attack): AttackRecord => {
      const { cell, found } = problems.get(attack) ?? { cell: 'skipped', found: [] };
      const skipped = 'skipped' in expected(attack);
      return { attack, column: chosen.column, cell, skipped, problems: found };
    });
  } finally {
    await bench.backEnd.stop();
    await canaries.close();
  }
}

async function startServing(
  chosen: CorpusBackEnd,
  canaries: Canaries,
): Promise<Pick<Bench, 'backEnd' | 'leftovers'>> {
  const backEnd = await chosen.start(canaries.env);
  const broken = await controlProblem(backEnd);
  if (broken !== undefined) {
    await backEnd.stop();
    throw new Error(`${chosen.column} serves nobody, so no attack tells anything: ${broken}`);
  }
  return { backEnd, leftovers: await watchLeftovers(backEnd, chosen.kind) };
}

interface Ran {
  cell: string;
  found: string[];
}

async function runAll(
  bench: Bench,
  attacks: readonly Attack[],
  onProgress: (text: string) => void,
): Promise<Map<Attack, Ran>> {
  const all = new Map<Attack, Ran>();
  const toRun: Attack[] = [];
  for (const attack of attacks) {
    const expected = bench.expected(attack);
    if ('skipped' in expected) all.set(attack, { cell: expected.skipped, found: [] });
    else toRun.push(attack);
  }
  for (let at = 0; at < toRun.length; at += AT_A_TIME) {
    const batch = toRun.slice(at, at + AT_A_TIME);
    const { ran, shared, stuck } = await runTogether(bench, batch);
    for (const [attack, own] of ran) all.set(attack, own);
    if (stuck.length > 0) await restart(bench, batch, stuck, all);
    else if (shared.length > 0) await blame(bench, batch, shared, all);
    const open = toRun[at + AT_A_TIME]?.category;
    const done = new Set(batch.map(({ category }) => category).filter((category) => category !== open));
    for (const category of done) onProgress(`${category}: done`);
  }
  return all;
}

/** Whoever had no answer is to blame, with those that were stuck behind it; the others get a new back end. */
async function restart(
  bench: Bench,
  batch: readonly Attack[],
  stuck: readonly Attack[],
  all: Map<Attack, Ran>,
): Promise<void> {
  const names = stuck.map(({ category, name }) => `${category}/${name}`).join(', ');
  for (const attack of batch) {
    all.get(attack)?.found.push(`control: the back end answered nobody any more, and was ended: ${names}`);
  }
  await bench.backEnd.stop().catch(() => {});
  Object.assign(bench, await startServing(bench.chosen, bench.canaries));
}

/** Finds whose doing `shared` is. It stays a failure even when it does not come again. */
async function blame(
  bench: Bench,
  batch: readonly Attack[],
  shared: readonly string[],
  all: Map<Attack, Ran>,
): Promise<void> {
  let blamed = 0;
  for (const attack of batch.length > 1 ? batch : []) {
    const again = await runTogether(bench, [attack]);
    all.get(attack)?.found.push(...again.shared);
    if (again.shared.length > 0) blamed += 1;
    if (again.stuck.length > 0) await restart(bench, [attack], again.stuck, all);
  }
  if (blamed > 0) return;
  for (const attack of batch)
    all.get(attack)?.found.push(...shared.map((one) => `${one} (or its neighbours)`));
}

async function runTogether(bench: Bench, attacks: readonly Attack[]) {
  const { backEnd, canaries, leftovers } = bench;
  const own = new Map(attacks.map((attack) => [attack, Array.from({ length: CASES_PER_RUN }, newOwnText)]));
  const logged = backEnd.log().length;
  const over = new AbortController();
  const controls = controlsUntil(backEnd, over.signal);
  const ran = new Map<Attack, Ran>();
  const stuck: Attack[] = [];
  await Promise.all(
    attacks.map(async (attack) => {
      const one = await runOne(bench, attack, own);
      ran.set(attack, one);
      if (one.stuck) stuck.push(attack);
    }),
  );
  over.abort();
  const shared = await controls;
  if (stuck.length > 0) return { ran, shared, stuck };
  const after = await controlProblem(backEnd);
  if (after !== undefined) shared.push(after);
  const left = await leftovers.find();
  shared.push(
    ...left.processes.map((one) => `processes: ${one}`),
    ...left.files.map((one) => `files: ${one}`),
  );
  shared.push(...canaries.visits().map((door) => `network: someone came to the ${door}`));
  shared.push(...canaries.damage().map((one) => `files: ${one}`));
  const secrets = [...canaries.secrets, backEnd.token, ...[...own.values()].flat()];
  const log = backEnd.log().slice(logged);
  if (secrets.some((secret) => log.includes(secret))) shared.push('secrets: one of them is in the log');
  return { ran, shared, stuck };
}

async function runOne(
  bench: Bench,
  attack: Attack,
  own: ReadonlyMap<Attack, readonly string[]>,
): Promise<Ran & { readonly stuck: boolean }> {
  const found = new Set<string>();
  const names = new Set<string>();
  const texts = own.get(attack) ?? [];
  const expected = bench.expected(attack);
  const ends = 'ends' in expected ? expected.ends : [];
  let stuck = false;
  for (let run = 0; run < attack.runs && !stuck; run += 1) {
    const told = await ask(bench.backEnd, requestOf(attack, ends, bench.canaries.addresses, texts));
    stuck = told.stuck;
    for (const problem of told.problems) found.add(problem);
    for (const problem of leaks(bench, told, texts, [...own.values()].flat())) found.add(problem);
    for (const result of told.answer?.results ?? []) {
      names.add(nameOf(result));
      const problem = wrong(result, ends, ownOf(result, texts));
      if (problem !== undefined) found.add(`outcome: ${result.id}: ${problem}`);
    }
  }
  return { cell: [...names].join(', ') || 'no answer', found: [...found], stuck };
}

function wrong(result: HostCaseResult, ends: readonly End[], own: string): string | undefined {
  // A header can name what a case may see of itself without knowing it.
  const text = JSON.stringify(result).replaceAll(own, 'OWN');
  return differs(JSON.parse(text) as HostCaseResult, ends);
}

function leaks({ backEnd, canaries }: Bench, told: Told, texts: readonly string[], own: readonly string[]) {
  const secrets = [...canaries.secrets, backEnd.token].filter((secret) => told.text.includes(secret));
  const carried = (told.answer?.results ?? []).filter((result) => {
    const said = JSON.stringify(result);
    return own.some((text) => text !== ownOf(result, texts) && said.includes(text));
  });
  return [
    ...(secrets.length > 0 ? ['secrets: one of them is in the answer'] : []),
    ...carried.map(({ id }) => `files: ${id} holds what only another case was given`),
  ];
}

const ownOf = ({ id }: HostCaseResult, texts: readonly string[]): string => texts[Number(id.slice(1))] ?? id;
