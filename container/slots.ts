/**
 * The global bound on rooms that run at the same time, across all requests. First come, first
 * served. A slot is given back only when its room was seen dead, so a holder that never releases
 * lowers the bound rather than breaking it.
 */
/** Gives a slot back; `lost` when its room was not seen dead, so that it is never used again. */
export type Release = (lost?: boolean) => void;

export class Slots {
  #free: number;
  #lost = 0;
  readonly #waiting: (() => void)[] = [];
  readonly total: number;

  constructor(total: number) {
    this.total = total;
    this.#free = total;
  }

  get busy(): number {
    return this.total - this.#free - this.#lost;
  }

  /** True when every slot was lost to a room that would not die: this host can run nothing more. */
  get exhausted(): boolean {
    return this.#lost >= this.total;
  }

  /** Resolves to the release function, or undefined when `signal` fired first. */
  async acquire(signal: AbortSignal): Promise<Release | undefined> {
    if (signal.aborted) return undefined;
    if (this.#free === 0) {
      const granted = await this.#wait(signal);
      if (!granted) return undefined;
    } else {
      this.#free -= 1;
    }
    let released = false;
    return (lost = false) => {
      if (released) return;
      released = true;
      if (lost) {
        this.#lost += 1;
        return;
      }
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }

  #wait(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const grant = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(true);
      };
      const giveUp = (): void => {
        const at = this.#waiting.indexOf(grant);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve(false);
      };
      this.#waiting.push(grant);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}
