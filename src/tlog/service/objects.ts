/** Names of the log's objects in R2, below one prefix that nothing else uses. */
import { type Tile, tilePath } from '../tiles.ts';

const PREFIX = 'log';

export const logKeys = {
  /** The only object of the log that is ever replaced. */
  checkpoint: `${PREFIX}/checkpoint`,
  tile: (tile: Tile) => `${PREFIX}/${tilePath(tile)}`,
  /** Holds the index of a bundle, decimal, so that proofs are found without asking who writes the log. */
  index: (bundleSha256: string) => `${PREFIX}/index/${bundleSha256}`,
} as const;
