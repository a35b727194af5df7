/**
 * The isolate Worker under workerd as a program of its own, with the ready line of every host, so that the
 * corpus can be run on a Worker Loader. Nothing there ends a runaway locally: those attacks are left out.
 */
import { BUILD, startLoader } from '../../isolate/host.ts';

const host = await startLoader();
process.stdin.resume().on('end', () => void host.stop().then(() => process.exit(0)));
process.stdout.write(`${JSON.stringify({ listening: host.url, jail: 'worker-loader', build: BUILD })}\n`);
