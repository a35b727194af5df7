/** Request targets that are broken in one place: an id, the path, a query. What is returned is sent as it is. */
import type { Picker } from './picker.ts';
import { oddText } from './text.ts';

/** Ids of one organisation, of every kind, and what else stands in paths: numbers, formats, digests. */
export interface Ids {
  readonly own: readonly string[];
  readonly foreign: readonly string[];
}

const NOBODYS = [
  'gen-00000000000000000000000000',
  'rule-00000000000000000000000000',
  'tok-zzzzzzzzzzzzzzzzzzzzzzzzzz',
  '1',
  '0',
  '-1',
  '1e3',
  '٣',
  'minisign',
  'ssh',
  'undefined',
  'null',
  '[object Object]',
  '*',
  ':id',
  '{id}',
];

/** Encoded characters that a careless reader decodes to something else. */
const ENCODED = [
  '%00',
  '%2f',
  '%5c',
  '%2e%2e%2f',
  '%252f',
  '%c0%af',
  '%ff',
  '%',
  '%zz',
  '%0d%0a',
  '%20',
  '%3f',
  '%23',
  '%e2%80%ae',
];

const PARAMETER = /:[A-Za-z0-9]+|\*/g;

/** A path of the route with ids of our own, mostly of the right kind. */
export function plainPath(path: string, ids: Ids, picker: Picker): string {
  return path.replace(PARAMETER, (name) => plainValue(name, path, ids, picker));
}

/** The same with one parameter, or the way it is written, replaced. */
export function brokenPath(path: string, ids: Ids, picker: Picker): string {
  const count = path.match(PARAMETER)?.length ?? 0;
  if (count === 0 || picker.once(3)) return bentPath(plainPath(path, ids, picker), picker);
  const which = picker.int(count);
  let n = -1;
  return path.replace(PARAMETER, (name) => {
    n += 1;
    return n === which ? brokenId(ids, picker) : plainValue(name, path, ids, picker);
  });
}

/** Ids begin as the name of their collection does: `gen-…` in `/v1/generations/…`. */
function plainValue(name: string, path: string, { own }: Ids, { pick, once }: Picker): string {
  if (name === ':n') return pick(['1', '2', '0', '11', '01', '1.0']);
  if (name === ':format') return pick(['ssh', 'minisign', 'signify', 'pgp']);
  if (name === '*')
    return pick(['0/000', '0/000.p/1', '0/x001/000', 'entries/000', '0/00', '64/000', '0/000.p/256']);
  const collection = path.split('/:')[0]?.split('/').at(-1) ?? '';
  const fitting = own.filter((id) => collection.startsWith(id.split('-')[0] ?? id));
  return pick(fitting.length === 0 || once(8) ? own : fitting);
}

function brokenId(ids: Ids, picker: Picker): string {
  const { pick, int, once } = picker;
  const id = pick(once(3) ? ids.own : ids.foreign);
  return pick<() => string>([
    () => pick(ids.foreign),
    () => pick(ids.foreign),
    () => pick(ids.foreign),
    () => pick(NOBODYS),
    () => id.toUpperCase(),
    () => id.slice(0, int(id.length)),
    () => id + pick(ENCODED),
    () => pick(ENCODED) + id,
    () => id.slice(0, 6) + pick(ENCODED) + id.slice(6),
    () => [...id].map((one) => `%${one.charCodeAt(0).toString(16).padStart(2, '0')}`).join(''),
    () => encodeURIComponent([...id].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('')),
    () => `${pick(ids.own)},${id}`,
    () => `${pick(ids.own)}%2f..%2f${id}`,
    () => `..%2f${id}`,
    () => `${pick(ids.own)};${id}`,
    () => id.repeat(1 + int(300)),
    () => encodeURIComponent(oddText(picker).toWellFormed().slice(0, 2_000)),
    () => pick(ENCODED).repeat(1 + int(200)),
  ])();
}

/** The path written so that somebody could read another one. */
function bentPath(path: string, { pick, int }: Picker): string {
  const segments = path.split('/').slice(1);
  const at = int(segments.length);
  const put = (...added: string[]) => `/${segments.toSpliced(at, 0, ...added).join('/')}`;
  return pick<() => string>([
    () => put('..'),
    () => put('.'),
    () => put(''),
    () => put('x', '..'),
    () => put('x', '%2e%2e'),
    () => put('%2e'),
    () => put('..%2f'),
    () => put('..;'),
    () => put('..\\'),
    () => `/${path}`,
    () => `${path}/`,
    () => `${path}//`,
    () => `${path}/.`,
    () => `${path}.json`,
    () => `${path};a=b`,
    () => `${path}%00`,
    () => `${path}%20`,
    () => `${path}%3flimit=1`,
    () => path.toUpperCase(),
    () => path.replace('v1', 'v2'),
    () => path.replace('v1', '%76%31'),
    () => path.replaceAll('/', '%2f').replace('%2f', '/'),
    () => path.replaceAll('/', '\\'),
    () => path.replace('/', '/%ff/'),
    () => `${path}/${'a/'.repeat(1 + int(500))}`,
    () => `/${'%2e%2e/'.repeat(1 + int(20))}${path}`,
    () => `/http://127.0.0.1${path}`,
    () => '/.env',
    () => '/cdn-cgi/x',
    () => '/v1',
    () => '/*',
  ])();
}

/** A query that fits but for one thing. `wrong`: it does not, whatever the schema. */
export function brokenQuery(
  example: readonly (readonly [string, string])[],
  ids: Ids,
  picker: Picker,
): { readonly text: string; readonly wrong: boolean } {
  const { pick, once } = picker;
  const pairs = example.filter(() => once(3));
  const write = (all: readonly (readonly [string, string])[]) =>
    all.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&');
  const odd = () => encodeURIComponent(oddText(picker).toWellFormed().slice(0, 3_000));
  if (example.length === 0 || once(3)) {
    const name = pick([
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'orgId',
      'sort',
      '__proto__%5ba%5d',
      '$where',
      odd(),
    ]);
    const known = example.some(([one]) => encodeURIComponent(one) === name);
    const added = pick([`${name}=1`, name, `${name}=`, `${name}=${pick(ids.foreign)}`]);
    return {
      text: [...(pairs.length === 0 ? [] : [write(pairs)]), added].join('&'),
      wrong: !known && name !== '',
    };
  }
  const [name, value] = pick(example);
  const rest = write(pairs.filter(([one]) => one !== name));
  const join = (one: string) => (rest === '' ? one : `${rest}&${one}`);
  if (once(4)) {
    const again = pick([
      `${name}=${value}`,
      `${name}=`,
      name,
      `%${name.charCodeAt(0).toString(16)}${name.slice(1)}=${value}`,
    ]);
    return { text: join(`${name}=${encodeURIComponent(value)}&${again}`), wrong: true };
  }
  const text = pick<() => string>([
    () => `${name}=${odd()}`,
    () => `${name}=${odd()}`,
    () => `${name}=${pick(ids.foreign)}`,
    () => `${name}=${pick(ids.own)}`,
    () => `${name}[]=${value}`,
    () => `${name}[$gt]=`,
    () => `${name.toUpperCase()}=${value}`,
    () => `${name}=${pick(ENCODED)}`,
    () => `${name}=${encodeURIComponent(value)}${pick(ENCODED)}`,
    () =>
      `${name}=${pick(['-1', '0', '101', '1e9', '9'.repeat(400), '1.5', ' 1', '+1', 'Infinity', 'NaN', '0x1', '1,2'])}`,
    () => `${name}=${'a,'.repeat(1 + picker.int(2_000))}`,
    () => `${'&'.repeat(1 + picker.int(500))}${name}=${value}`,
    () => `${name}=a=b=c`,
    () => `${name}`,
  ])();
  return { text: join(text), wrong: false };
}
