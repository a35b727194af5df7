/**
 * Which points there are, which a stack was killed at, and where to kill next. A dry run says what there is; points
 * that only show after a crash, in a step that runs again or in the sweep that wakes it, come on top.
 */
import type { Reached } from './control.ts';
import type { Scenario } from './scenarios.ts';

/** A generation killed too often says little new, and keeps the stack from getting further. */
const MOST_KILLS_PER_GENERATION = 4;
/** How likely a point that a crash brought up is killed at when it is first met. */
const AFTERMATH_CHANCE = 0.1;
/** When every point is done: how likely any is killed at, for runs that are to have more generations. */
const ANYWHERE_CHANCE = 0.01;

export class Coverage {
  /** By point: how often a stack was killed there. */
  readonly kills = new Map<string, number>();
  readonly #open = new Set<string>();
  readonly #dry = new Set<string>();
  readonly #pointsOf = new Map<string, Set<string>>();
  readonly #killsOf = new Map<string, number>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** What a run without kills of one scenario reached. */
  learn(scenario: string, points: Iterable<string>): void {
    const known = this.#pointsOf.get(scenario) ?? new Set();
    for (const point of points) {
      known.add(point);
      this.#dry.add(point);
      this.#open.add(point);
    }
    this.#pointsOf.set(scenario, known);
  }

  /** Points of the dry run that no stack was killed at yet. */
  get open(): ReadonlySet<string> {
    return this.#open;
  }

  get known(): ReadonlySet<string> {
    return this.#dry;
  }

  shouldKill({ instance, point }: Reached): boolean {
    if (instance !== null && (this.#killsOf.get(instance) ?? 0) >= MOST_KILLS_PER_GENERATION) return false;
    const chance = this.#chance(point);
    if (chance < 1 && this.#random() >= chance) return false;
    this.#open.delete(point);
    this.kills.set(point, (this.kills.get(point) ?? 0) + 1);
    if (instance !== null) this.#killsOf.set(instance, (this.#killsOf.get(instance) ?? 0) + 1);
    return true;
  }

  #chance(point: string): number {
    if (this.#open.has(point)) return 1;
    if (!this.#dry.has(point) && !this.kills.has(point)) return AFTERMATH_CHANCE;
    return this.#open.size === 0 ? ANYWHERE_CHANCE : 0;
  }

  /** One that leads to open points, more likely the more of them. */
  next(scenarios: readonly Scenario[]): Scenario {
    const weights = scenarios.map(({ name }) => {
      const points = [...(this.#pointsOf.get(name) ?? [])];
      return points.filter((point) => this.#open.has(point)).length;
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
