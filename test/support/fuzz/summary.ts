/** What a run came to: how often what was answered, and every kind of fault once, with a request that shows it. */
import type { HostileRequest } from './hostile-request.ts';

export class Summary {
  readonly #statuses = new Map<number, number>();
  readonly #faults = new Map<string, { count: number; example: string }>();
  #sent = 0;

  add(request: HostileRequest, status: number, faults: readonly string[]): void {
    this.#sent += 1;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    for (const fault of faults) {
      const known = this.#faults.get(fault);
      if (known !== undefined) known.count += 1;
      else this.#faults.set(fault, { count: 1, example: shown(request, status) });
    }
  }

  get sent(): number {
    return this.#sent;
  }

  count(status: number): number {
    return this.#statuses.get(status) ?? 0;
  }

  /** One line for each kind of fault; empty when there was none. */
  faults(): string[] {
    return [...this.#faults].map(([fault, { count, example }]) => `${fault} (${count}×), as ${example}`);
  }

  statuses(): string {
    const sorted = [...this.#statuses].sort(([a], [b]) => a - b);
    return sorted.map(([status, count]) => `${status === 0 ? 'no answer' : status}: ${count}`).join(', ');
  }
}

function shown(
  { index, route, what, method, target, headers, body, caller }: HostileRequest,
  status: number,
): string {
  const odd = headers.filter(([name]) => name !== 'authorization');
  const text =
    body === null ? '' : ` body ${JSON.stringify(new TextDecoder().decode(body.subarray(0, 300)))}`;
  return `#${index} [${route}, ${what}, as ${caller}] ${status} ${method} ${target.slice(0, 200)} ${JSON.stringify(odd).slice(0, 200)}${text}`;
}
