/** Choices of one hostile request. They depend on the seed and the request's number alone, so one can be sent again. */
import { random } from '../random.ts';

export interface Picker {
  /** A whole number from 0 to below `end`. */
  int(end: number): number;
  pick<T>(list: readonly T[]): T;
  /** True about once in `times`. */
  once(times: number): boolean;
}

/** Neighbours in number or seed have nothing in common: both are mixed before the first choice. */
export function picker(seed: number, index: number): Picker {
  const next = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  for (let n = 0; n < 4; n += 1) next();
  const int = (end: number) => Math.floor(next() * end);
  return {
    int,
    pick: (list) => {
      if (list.length === 0) throw new Error('nothing to choose from');
      return list[int(list.length)] as (typeof list)[number];
    },
    once: (times) => int(times) === 0,
  };
}
