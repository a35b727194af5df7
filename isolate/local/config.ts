/**
 * The configuration of one workerd process: one worker, made of the bundle's modules, and no network at
 * all. Layouts are those of `workerd.capnp` in the package of workerd that is installed.
 */
import { type Bundle, COMPATIBILITY_DATE, type Module } from '../bundle.ts';
import { encodeMessage, type Structure, type Value } from './capnp.ts';

/** The one socket, whose address comes with the command line. */
export const SOCKET = 'check';

/** For tests: an outlet that looks names up before it refuses, and one that refuses nothing. */
export type Outlet = 'nowhere' | 'internet' | 'anywhere';

export function workerdConfig(
  bundle: Bundle,
  v8Flags: readonly string[],
  outlet: Outlet = 'nowhere',
): Uint8Array {
  const services = [
    service('check', 1, worker(bundle, outlet)),
    ...(outlet === 'anywhere' ? [service('anywhere', 2, ANY_NETWORK)] : []),
    service('nowhere', 1, worker(NOWHERE)),
    service('internet', 2, NO_NETWORK),
  ];
  return encodeMessage({
    words: 1,
    pointers: [
      { list: services },
      { list: [socket(SOCKET, 'check')] },
      { texts: v8Flags },
      undefined,
      undefined,
      // A prefix would tell which stream a line came from; a check's lines are to be shown as they are.
      { words: 1, pointers: [{ text: '' }, { text: '' }] },
    ],
  });
}

/**
 * Where everything goes that wants out. A network that allows nothing is not enough: it looks names up
 * before it refuses them, and a name can carry what a check has read.
 */
const NOWHERE: Pick<Bundle, 'modules' | 'compatibilityDate'> = {
  compatibilityDate: COMPATIBILITY_DATE,
  modules: {
    // No handler for connect(): one that throws would look like a connection that was made and lost.
    'nowhere.mjs': { js: 'export default { fetch() { throw new Error("there is no network here"); } };' },
  },
};

/** `allow` is an empty list: no address at all, neither public nor private. */
const NO_NETWORK: Structure = { words: 0, pointers: [{ texts: [] }, { texts: [] }, undefined] };

const ANY_NETWORK: Structure = {
  words: 0,
  pointers: [{ texts: ['public', 'private', 'local'] }, { texts: [] }, undefined],
};

function service(name: string, which: number, value: Structure): Structure {
  return { words: 1, which, pointers: [{ text: name }, value] };
}

function socket(name: string, target: string): Structure {
  const http: Structure = { words: 1, pointers: Array(5).fill(undefined) };
  return { words: 2, which: 0, pointers: [{ text: name }, undefined, http, undefined, designator(target)] };
}

function designator(target: string): Structure {
  return { words: 1, pointers: [{ text: target }, undefined, undefined] };
}

function worker(bundle: Pick<Bundle, 'modules' | 'compatibilityDate'>, outbound?: string): Structure {
  const pointers: Structure['pointers'] = [
    { list: Object.entries(bundle.modules).map(([name, one]) => moduleOf(name, one)) },
    { text: bundle.compatibilityDate },
    undefined,
    undefined,
    outbound === undefined ? undefined : designator(outbound),
  ];
  return { words: 1, which: 0, pointers: [...pointers, ...Array(11).fill(undefined)] };
}

function moduleOf(name: string, one: Module): Structure {
  const [which, body] = bodyOf(one);
  return { words: 1, which, pointers: [{ text: name }, body, undefined] };
}

/** The discriminant of a module's kind, and what it holds. */
function bodyOf(one: Module): readonly [which: number, body: Value] {
  if ('js' in one) return [0, { text: one.js }];
  if ('cjs' in one) return [1, { text: one.cjs }];
  return [3, { data: one.data }];
}
