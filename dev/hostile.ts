/**
 * `npm run hostile`: runs the attacks of `fixtures/hostile/` against the sandboxes of this machine and prints
 * what each came to. Exit code 1 when one was not contained or did not end exactly as its header says.
 */
import { parseArgs } from 'node:util';
import { loadAttacks } from '../test/support/hostile/attack.ts';
import { corpusBackEnds } from '../test/support/hostile/back-ends.ts';
import { failures, matrix } from '../test/support/hostile/matrix.ts';
import { type AttackRecord, runCorpus } from '../test/support/hostile/run.ts';
import { endWithParent } from './end-with-parent.ts';

endWithParent();

const USAGE = 'usage: npm run hostile -- [--sandbox host|isolate|container|<column>] [--only <text>]';

const { values } = parseArgs({ options: { sandbox: { type: 'string' }, only: { type: 'string' } } });
const wanted = (...names: string[]): boolean =>
  values.sandbox === undefined || names.includes(values.sandbox);
const backEnds = corpusBackEnds().filter(({ column, kind }) => wanted(column, kind));
const attacks = loadAttacks().filter(({ category, name }) =>
  `${category}/${name}`.includes(values.only ?? ''),
);
if (backEnds.length === 0 || attacks.length === 0) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}

const records: AttackRecord[] = [];
for (const backEnd of backEnds.filter(({ unavailable }) => unavailable === undefined)) {
  const startedAt = performance.now();
  process.stderr.write(`${backEnd.column}: ${attacks.length} attacks\n`);
  const onProgress = (text: string): boolean => process.stderr.write(`${backEnd.column}: ${text}\n`);
  records.push(...(await runCorpus(backEnd, attacks, onProgress)));
  process.stderr.write(`${backEnd.column}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s\n`);
}

const failed = failures(records);
process.stdout.write(`${matrix(attacks, records, backEnds)}\n`);
for (const line of failed) process.stderr.write(`${line}\n`);
process.exit(failed.length === 0 && records.length > 0 ? 0 : 1);
