/**
 * `npm run bench`: what the pipeline costs, as ratios from one run on this machine. Nothing here fails a
 * build: read the ratios, and compare runs on the same machine only.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endWithParent } from '../dev/end-with-parent.ts';
import { table } from '../dev/table.ts';
import { measureAttemptOverhead } from './attempt-overhead.ts';
import { measureCheck } from './check.ts';
import { measureIsolates } from './isolate.ts';
import { measureRooms } from './rooms.ts';
import { measureVerification } from './verification.ts';

export interface Measurement {
  readonly what: string;
  readonly measured: string;
  readonly budget: string;
  /** Measured over budget, or budget over measured where more is better: at most 1 is within it. */
  readonly ratio: number;
}

endWithParent();

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const scratch = await mkdtemp(join(tmpdir(), 'assay-bench-'));
// Isolates run as users of their own, which must be able to pass through.
await chmod(scratch, 0o711);
try {
  const results = [
    ...(await measureRooms(scratch)),
    ...(await measureIsolates(scratch)),
    ...(await measureVerification(scratch)),
    ...(await measureAttemptOverhead(scratch)),
    ...(await measureCheck(scratch)),
  ];
  if (values.json) console.log(JSON.stringify(results, null, 2));
  else {
    console.log(
      table(
        ['what', 'measured', 'budget', 'measured / budget'],
        results.map((one) => [one.what, one.measured, one.budget, one.ratio.toFixed(2)]),
      ),
    );
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
