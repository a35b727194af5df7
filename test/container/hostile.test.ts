/**
 * Every attack of `fixtures/hostile/` against every back end of this machine, each with the outside evidence
 * that it was contained; prints the matrix attack x back end. How an attack is written:
 * `fixtures/hostile/README.md`. A few attacks by hand: `npm run hostile`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATEGORIES, loadAttacks } from '../support/hostile/attack.ts';
import { type CorpusBackEnd, corpusBackEnds } from '../support/hostile/back-ends.ts';
import { matrix } from '../support/hostile/matrix.ts';
import { type AttackRecord, runCorpus } from '../support/hostile/run.ts';
import { HAS_BWRAP } from './support.ts';

/** A generous bound for one back end on a busy machine. */
const CORPUS_TIMEOUT_MS = 400_000;
const MIN_ATTACKS = 80;

const attacks = loadAttacks();
/** The form of jail a host takes by itself here; the others differ in how the room is built, not in what is in it. */
const AUTO_FORM = HAS_BWRAP ? 'bubblewrap' : 'util-linux';
const OTHER_FORM = 'another form of the same back end: npm run hostile, or ASSAY_TEST_ALL_ROOMS=1';
const isLeftOut = ({ column, kind }: CorpusBackEnd): boolean =>
  process.env.ASSAY_TEST_ALL_ROOMS !== '1' &&
  ((kind === 'host' && column !== AUTO_FORM) || column === 'loader');
const backEnds = corpusBackEnds().map((one) =>
  one.unavailable === undefined && isLeftOut(one) ? { ...one, unavailable: OTHER_FORM } : one,
);
const records: AttackRecord[] = [];

describe('the corpus', () => {
  it('is large and has every category', () => {
    expect(attacks.length).toBeGreaterThanOrEqual(MIN_ATTACKS);
    const names = attacks.map(({ name }) => name);
    expect(names.length).toBe(new Set(names).size);
    for (const category of CATEGORIES) {
      expect(
        attacks.some((attack) => attack.category === category),
        category,
      ).toBe(true);
    }
  });
});

describe.each(backEnds.filter(({ unavailable }) => unavailable === undefined))('$column', (backEnd) => {
  beforeAll(async () => {
    records.push(...(await runCorpus(backEnd, attacks)));
  }, CORPUS_TIMEOUT_MS);

  it.for(attacks)('$category/$name', (attack, { skip }) => {
    const record = records.find((each) => each.column === backEnd.column && each.attack === attack);
    if (record?.skipped) skip(record.cell);
    expect(record?.problems).toEqual([]);
  });
});

afterAll(() => console.log(matrix(attacks, records, backEnds)));
