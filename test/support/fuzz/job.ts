/** What the sender of hostile requests is told on its standard input. */
import type { World } from './world.ts';

export interface FuzzJob {
  readonly port: number;
  /** Where the stack keeps what it stores. */
  readonly storage: string;
  readonly world: World;
  readonly seed: number;
  readonly requests: number;
  /** The number of the one request to send and show; `null`: all of them. */
  readonly only: number | null;
}
