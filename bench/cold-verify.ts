/** Prints how many milliseconds a process takes to verify its first bundle, its modules being loaded. */
import { readTree } from '../cli/read-tree.ts';
import { loadTrust } from '../cli/trust-options.ts';
import { BUNDLE_FILE } from '../src/rules/layout.ts';
import { verifyRule } from '../src/signing/verify.ts';

const [directory = '', key = ''] = process.argv.slice(2);
const { signers } = await loadTrust({ key });
const files = await readTree(directory);
const bundle = files.get(BUNDLE_FILE) ?? new Uint8Array();
files.delete(BUNDLE_FILE);
const startedMs = performance.now();
const verified = await verifyRule(bundle, signers, files);
const endedMs = performance.now();
if (!verified.ok) throw new Error(verified.message);
console.log(endedMs - startedMs);
