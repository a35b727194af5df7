/**
 * Which points there are, which a stack was killed at, and where to kill next. A dry run says what there is. Points
 * with nothing but reads between them leave the same behind, so that they are one moment: the end of one effect and
 * the beginning of the next. Each moment is to have a kill, at any of its points. What only shows after a crash, in a
 * step that runs again or in the sweep that wakes it, comes on top.
 */
import type { Reached } from './control.ts';
import type { Scenario } from './scenarios.ts';

/** A generation killed too often says little new, and keeps the stack from getting further. */
const MOST_KILLS_PER_GENERATION = 4;
/** How likely a point that a crash brought up is killed at when it is met. */
const AFTERMATH_CHANCE = 0.005;
/** When every moment is done: how likely any point is killed at, for runs that are to have more generations. */
const ANYWHERE_CHANCE = 0.005;
/** Most points that a life gets for nothing, so that generations end between two kills. */
const MOST_GRACE_POINTS = 400;

/** Points in the order in which they are reached. */
type Moment = string[];

export class Coverage {
  /** By point: how often a stack was killed there. */
  readonly kills = new Map<string, number>();
  readonly #momentOf = new Map<string, Moment>();
  readonly #open = new Set<Moment>();
  readonly #momentsOf = new Map<string, Set<Moment>>();
  readonly #killsOf = new Map<string, number>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** What a run of one scenario reached, nothing killed, in order. */
  learn(scenario: string, reached: readonly Reached[]): void {
    const moments = new Set<Moment>();
    const last = new Map<string, Moment>();
    for (const { instance, point } of reached) {
      // Outside of instances each request and each write of the log has its own order.
      const thread = instance ?? point.split(' | ')[0] ?? '';
      const before = last.get(thread);
      const known = this.#momentOf.get(point);
      const moment = known ?? (before === undefined || changedSomething(point) ? [] : before);
      if (known === undefined) {
        moment.push(point);
        this.#momentOf.set(point, moment);
        this.#open.add(moment);
      }
      last.set(thread, moment);
      moments.add(moment);
    }
    this.#momentsOf.set(scenario, moments);
  }

  /** How many moments there are, and how many points they have. */
  get size(): { readonly moments: number; readonly points: number } {
    return { moments: new Set(this.#momentOf.values()).size, points: this.#momentOf.size };
  }

  /** Moments at which no stack was killed yet. */
  get open(): ReadonlySet<readonly string[]> {
    return this.#open;
  }

  get points(): Iterable<string> {
    return this.#momentOf.keys();
  }

  /** Whether it takes a crash to come here. */
  isAftermath(point: string): boolean {
    return !this.#momentOf.has(point);
  }

  /** How many points a life has before it may be killed: often few, so that what comes first is met too. */
  grace(life: number): number {
    return life === 1 ? 0 : Math.floor(this.#random() ** 2 * MOST_GRACE_POINTS);
  }

  shouldKill({ instance, point }: Reached): boolean {
    if (instance !== null && (this.#killsOf.get(instance) ?? 0) >= MOST_KILLS_PER_GENERATION) return false;
    if (this.#random() >= this.#chance(point)) return false;
    const moment = this.#momentOf.get(point);
    if (moment !== undefined) this.#open.delete(moment);
    this.kills.set(point, (this.kills.get(point) ?? 0) + 1);
    if (instance !== null) this.#killsOf.set(instance, (this.#killsOf.get(instance) ?? 0) + 1);
    return true;
  }

  #chance(point: string): number {
    const moment = this.#momentOf.get(point);
    if (moment === undefined) return this.kills.has(point) ? 0 : AFTERMATH_CHANCE;
    // Any point of a moment with the same chance, and one of them for certain.
    if (this.#open.has(moment)) return 1 / (moment.length - moment.indexOf(point));
    return this.#open.size === 0 ? ANYWHERE_CHANCE : 0;
  }

  /** One that leads to open moments, more likely the more of them. */
  next(scenarios: readonly Scenario[]): Scenario {
    const weights = scenarios.map(({ name }) => {
      const moments = [...(this.#momentsOf.get(name) ?? [])];
      return moments.filter((moment) => this.#open.has(moment)).length;
    });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let left = this.#random() * (total || scenarios.length);
    for (const [index, scenario] of scenarios.entries()) {
      left -= total === 0 ? 1 : (weights[index] ?? 0);
      if (left < 0) return scenario;
    }
    return scenarios[0] as Scenario;
  }
}

/** `after the body` is not one: what the body did was told of already. */
function changedSomething(point: string): boolean {
  return / \| after (?!the body)/.test(point);
}
