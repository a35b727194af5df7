/** The printed table attack x back end, its totals, and what went wrong, as text. Pure. */
import { table } from '../../../dev/table.ts';
import { type Attack, CATEGORIES } from './attack.ts';
import type { CorpusBackEnd } from './back-ends.ts';
import type { AttackRecord } from './run.ts';

export function matrix(
  attacks: readonly Attack[],
  records: readonly AttackRecord[],
  backEnds: readonly CorpusBackEnd[],
): string {
  const ran = backEnds.filter(({ column }) => records.some((record) => record.column === column));
  const reasons = [...new Set(records.filter(({ skipped }) => skipped).map(({ cell }) => cell))];
  const byCell = new Map(records.map((record) => [`${record.column} ${record.attack.name}`, record]));
  const rows = CATEGORIES.flatMap((category) => {
    const own = attacks.filter((attack) => attack.category === category);
    const lines = own.map((attack) => [
      `  ${attack.name}`,
      ...ran.map(({ column }) => cellOf(byCell.get(`${column} ${attack.name}`), reasons)),
    ]);
    return own.length === 0 ? [] : [[`${category} (${own.length})`], ...lines];
  });
  const totals = [
    `${attacks.length} attacks`,
    ...ran.map(({ column }) => totalOf(records.filter((record) => record.column === column))),
  ];
  return [
    table(['attack', ...ran.map(({ column }) => column)], [...rows, [''], totals]),
    ...reasons.map((reason, index) => `–${index + 1}: not run there: ${reason}`),
    ...backEnds
      .filter(({ unavailable }) => unavailable !== undefined)
      .map(({ column, unavailable }) => `${column}: not on this machine: ${unavailable}`),
  ].join('\n');
}

function cellOf(record: AttackRecord | undefined, reasons: readonly string[]): string {
  if (record === undefined) return '';
  if (record.skipped) return `–${reasons.indexOf(record.cell) + 1}`;
  return `${record.problems.length === 0 ? '✓' : '✗'} ${record.cell}`;
}

function totalOf(records: readonly AttackRecord[]): string {
  const ran = records.filter(({ skipped }) => !skipped);
  const good = ran.filter(({ problems }) => problems.length === 0).length;
  return `${good} of ${ran.length} contained`;
}

export function failures(records: readonly AttackRecord[]): string[] {
  return records.flatMap(({ attack, column, problems }) =>
    problems.map((problem) => `${column}: ${attack.category}/${attack.name}: ${problem}`),
  );
}
