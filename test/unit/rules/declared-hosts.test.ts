import { describe, expect, test } from 'vitest';
import { unsupported } from '../../../isolate/needs.ts';
import { hostProblems } from '../../../src/rules/declared-hosts.ts';
import { inspectCheck } from '../../../src/rules/inspect-check.ts';
import { capabilityFacts, ruleSchema } from '../../../src/schema/rule.ts';
import { cases } from '../../support/rule.ts';
import { signedRule } from '../../support/signed.ts';

const IMPORT = "import https from 'node:https';\n";
const CHECK = '\nexport default () => [https];';

function reasons(source: string): string[] {
  const result = inspectCheck(source);
  return result.ok ? [] : result.problems.map(({ reason, where }) => `${reason} ${where}`);
}

describe('hosts of a check', () => {
  test.each([
    ["export const hosts = ['api.example.com'];", ['api.example.com']],
    ["export const hosts = ['b.test:8443', 'a.test:443', 'a.test'] as const;", ['a.test', 'b.test:8443']],
    ["export const hosts: readonly string[] = ['a.test'];", ['a.test']],
  ])('%s are facts, sorted, each once', (declaration, hosts) => {
    expect(inspectCheck(IMPORT + declaration + CHECK)).toEqual({
      ok: true,
      value: { imports: ['node:https'], readsFiles: false, startsProcesses: false, usesNetwork: true, hosts },
    });
  });

  test.each([
    'export const hosts = [];',
    "export let hosts = ['a.test'];",
    "export const hosts = ['a.test'], more = 1;",
    "export const hosts = ['a' + '.test'];",
    'export const hosts = [`a.test`];',
    "export const hosts = ['a.test', , 'b.test'];",
    "export const hosts = ['a.test', ...more];",
    "export const hosts = ['a.test'].concat('b.test');",
    "export const hosts = ['a.test'] as string[];",
    "export const hosts = Object.freeze(['a.test']);",
    "const all = ['a.test']; export { all as hosts };",
    "const all = ['a.test']; export { all as 'hosts' };",
    "export const { hosts } = { hosts: ['a.test'] };",
    "export const [{ list: [hosts] }] = [{ list: ['a.test'] }];",
    'export function hosts() {}',
    'export class hosts {}',
    'export declare const hosts: string[];',
    "export * as hosts from 'node:url';",
    "export const hosts = ['a.test']; export { hosts as default };  export { hosts };",
    ...[
      '*',
      '*.example.com',
      '127.0.0.1',
      '[::1]',
      'localhost',
      'API.example.com',
      'https://a.test',
      'a.test/x',
    ].map((host) => `export const hosts = ['${host}'];`),
    ...['a.test:0', 'a.test:65536', 'a.test:0443', '0x7f.1', 'a.test.', ''].map(
      (host) => `export const hosts = ['${host}'];`,
    ),
    `export const hosts = [${Array.from({ length: 11 }, (_, n) => `'a${n}.test'`).join(', ')}];`,
  ])('%s is refused', (declaration) => {
    expect(reasons(IMPORT + declaration + CHECK)).toContain('hosts_malformed check.ts:2');
  });

  test('allow node:https and nothing else', () => {
    const declaration = "export const hosts = ['a.test'];";
    expect(reasons(IMPORT + CHECK)).toEqual(['import_not_allowed check.ts:1']);
    expect(reasons(`${IMPORT}const hosts = ['a.test'];${CHECK}`)).toEqual(['import_not_allowed check.ts:1']);
    for (const name of [
      'https',
      'node:http',
      'node:http2',
      'node:net',
      'node:tls',
      'node:dns',
      'node:dgram',
    ]) {
      expect(reasons(`import https from '${name}';${declaration}${CHECK}`)).toContain(
        'import_not_allowed check.ts:1',
      );
    }
    expect(reasons(`${declaration}export default () => fetch('https://a.test');`)).toContain(
      'hidden_door check.ts:1',
    );
  });

  test('are refused where they are not used', () => {
    expect(reasons("export const hosts = ['a.test'];\nexport default () => [];")).toEqual([
      'hosts_unused check.ts',
    ]);
  });

  test('keep a rule out of isolates', async () => {
    const { rule } = await signedRule();
    expect(unsupported({ rule, imports: ['node:https'], cases })).toBe('isolates have no node:https');
  });
});

describe('a request', () => {
  test.each([
    [[], undefined, undefined],
    [['a.test'], ['b.test', 'a.test:443'], undefined],
    [['a.test'], undefined, 'check.ts declares hosts a.test; the request allows no network'],
    [
      ['a.test:8443', 'b.test'],
      ['a.test', 'b.test'],
      'check.ts declares hosts a.test:8443; the request allows a.test, b.test',
    ],
  ])('%j where %j is allowed', (hosts, allowed, message) => {
    expect(hostProblems(hosts, allowed)[0]?.message).toBe(message);
  });
});

test('a rule stored before there were hosts has none; what is signed says so itself', async () => {
  const { rule } = await signedRule();
  const { hosts: _, ...capabilities } = rule.capabilities;
  expect(ruleSchema.parse({ ...rule, capabilities }).capabilities.hosts).toEqual([]);
  expect(capabilityFacts.safeParse(capabilities).success).toBe(false);
});
