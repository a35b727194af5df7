/** `npm run backup` and `npm run restore`, see docs/operations.md. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { endWithParent } from '../end-with-parent.ts';
import { backup } from './backup.ts';
import { restore } from './restore.ts';
import { openStores } from './stores.ts';

const LOCAL = fileURLToPath(new URL('../../.assay/dev/storage', import.meta.url));
const USAGE = `usage: npm run backup  -- --out DIR  [--local STATE | --remote]
       npm run restore -- --from DIR [--local STATE | --remote]
  --local  folder of a local stack's storage, which must not be running (default: that of "npm run dev")
  --remote the D1 database and R2 bucket that wrangler.jsonc names
`;

endWithParent();

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    from: { type: 'string' },
    local: { type: 'string' },
    remote: { type: 'boolean', default: false },
  },
});
const [verb] = positionals;
const directory = verb === 'backup' ? values.out : verb === 'restore' ? values.from : undefined;
if (directory === undefined || (values.remote && values.local !== undefined)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

try {
  const stores = await openStores(values.remote ? { remote: true } : { persistTo: values.local ?? LOCAL });
  try {
    const done =
      verb === 'backup' ? await backup(stores, directory, new Date()) : await restore(stores, directory);
    const { objects, logEntries } = done;
    const log = logEntries === null ? 'no log' : `a log of ${logEntries} entries`;
    console.log(`${verb} of ${objects.count} objects, ${objects.bytes} bytes, ${log}: ${directory}`);
  } finally {
    await stores.close();
  }
} catch (error) {
  process.stderr.write(`assay: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
