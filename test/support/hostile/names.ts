/**
 * The names a back end goes by: its column in the matrix, and the kind of sandbox it is a form of. Headers
 * of attacks may name either.
 */
export const COLUMNS = {
  'util-linux': 'host',
  'util-linux-root': 'host',
  bubblewrap: 'host',
  workerd: 'isolate',
  loader: 'isolate',
  container: 'container',
} as const;

export type Column = keyof typeof COLUMNS;
export type Kind = (typeof COLUMNS)[Column];

export const CORPUS_BACK_ENDS = [
  ...(Object.keys(COLUMNS) as Column[]),
  'host',
  'isolate',
] as const satisfies readonly (Column | Kind)[];
