/**
 * Runs bundles in isolates of a Worker Loader. Each is loaded without a name, so that nothing is kept of
 * it, with nothing in its environment and nowhere to go. Its deadline is a race, and the platform's limit
 * on CPU time is what ends it.
 */
import { MAX_CONSOLE_BYTES, MAX_OUTPUT_BYTES, MAX_RESULT_BYTES } from '../../container/limits.ts';
import { messageOf } from '../../container/text.ts';
import {
  type Bundle,
  type BundleTask,
  CHECK_MODULE,
  COMPATIBILITY_DATE,
  cannotSeeProcess,
  type Module,
} from '../bundle.ts';
import { endedWith, type IsolateExit, readRefusal } from '../exit.ts';
import type { StripResult } from '../jobs.ts';
import type { IsolateTask } from '../session.ts';

export async function runLoaded(
  loader: WorkerLoader,
  bundle: Bundle,
  { token, matches, timeoutMs, signal }: IsolateTask,
): Promise<IsolateExit> {
  const check = bundle.modules[CHECK_MODULE];
  const withoutProcess = check !== undefined && 'js' in check && cannotSeeProcess(check.js);
  const question = { token, matches, withoutProcess, keepBytes: MAX_CONSOLE_BYTES };
  const body = JSON.stringify(question satisfies BundleTask);
  const asked = ask(loader, bundle, { body, cpuMs: Math.ceil(timeoutMs) });
  const late = new Promise<IsolateExit>((resolve) => {
    setTimeout(() => resolve(endedWith({ killedFor: 'deadline' })), timeoutMs);
    signal.addEventListener('abort', () => resolve(endedWith({ killedFor: 'cancelled' })), { once: true });
  });
  return Promise.race([asked, late]);
}

interface Question {
  readonly body: string;
  readonly cpuMs: number;
}

async function ask(loader: WorkerLoader, bundle: Bundle, { body, cpuMs }: Question): Promise<IsolateExit> {
  try {
    const response = await post(loader, bundle, body, cpuMs);
    return readAnswer(await response.text());
  } catch (error) {
    const message = messageOf(error);
    const refused = readRefusal(message);
    return endedWith(refused === undefined ? whyFailed(message) : { refused });
  }
}

function post(loader: WorkerLoader, bundle: Bundle, body: string, cpuMs: number): Promise<Response> {
  const [mainModule = ''] = Object.keys(bundle.modules);
  const worker = loader.load({
    compatibilityDate: bundle.compatibilityDate,
    mainModule,
    modules: Object.fromEntries(Object.entries(bundle.modules).map(([name, one]) => [name, loadable(one)])),
    env: {},
    globalOutbound: null,
    limits: { cpuMs, subRequests: 0 },
  });
  const request = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
  return worker.getEntrypoint().fetch('http://isolate/', request);
}

function loadable(one: Module): WorkerLoaderModule {
  if ('data' in one) return { data: one.data.slice().buffer as ArrayBuffer };
  return 'js' in one ? { js: one.js } : { cjs: one.cjs };
}

/** The first line is what the check printed, the rest the harness's frames. */
function readAnswer(text: string): IsolateExit {
  const cut = text.indexOf('\n');
  if (text.length > MAX_RESULT_BYTES) return endedWith({ killedFor: 'result' });
  const printed = readPrinted(text.slice(0, cut));
  if (printed === undefined) return endedWith({ complaint: 'what came is no answer of the harness' });
  if (printed.written > MAX_OUTPUT_BYTES) return endedWith({ killedFor: 'output', output: printed.text });
  return endedWith({ answer: text.slice(cut + 1), output: printed.text });
}

function readPrinted(text: string): { readonly text: string; readonly written: number } | undefined {
  try {
    const { text: printed, written } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return typeof printed === 'string' && typeof written === 'number'
      ? { text: printed, written }
      : undefined;
  } catch {
    return undefined;
  }
}

/** The platform's words for what became of an isolate. */
function whyFailed(message: string): Partial<IsolateExit> {
  if (/exceeded.*CPU|CPU time limit/i.test(message)) return { killedFor: 'deadline' };
  if (/memory limit|out of memory/i.test(message)) return { died: { signal: 0 }, complaint: 'out of memory' };
  if (/would never generate a response|process\.exit\(/.test(message)) return { complaint: message };
  return { failure: `the isolate did not run: ${message}`, complaint: message };
}

export interface StripScripts {
  readonly strip: string;
  readonly swc: string;
  readonly wasm: ArrayBuffer;
}

/** A fresh isolate for each check. */
export async function stripLoaded(
  loader: WorkerLoader,
  scripts: StripScripts,
  source: string,
  timeoutMs: number,
): Promise<StripResult> {
  const worker = loader.load({
    compatibilityDate: COMPATIBILITY_DATE,
    mainModule: 'strip.mjs',
    modules: {
      'strip.mjs': { js: scripts.strip },
      'swc.js': { js: scripts.swc },
      'swc.wasm': { wasm: scripts.wasm },
    },
    env: {},
    globalOutbound: null,
    limits: { cpuMs: timeoutMs, subRequests: 0 },
  });
  const response = await worker
    .getEntrypoint()
    .fetch('http://isolate/', { method: 'POST', body: JSON.stringify({ source }) });
  return (await response.json()) as StripResult;
}
