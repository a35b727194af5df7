import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admit } from '../../../cli/check/admit.ts';
import { type RuleResult, runRules } from '../../../cli/check/run-rules.ts';
import { logTo } from '../../../container/log.ts';
import { ISOLATION_FLAGS } from '../../../container/protocol.ts';
import {
  openPrivateDir,
  openWorkshop,
  type RepositoryWorkshop,
} from '../../../container/repository/workshop.ts';
import type { Statement } from '../../../src/schema/statement.ts';
import { onlySigner } from '../../../src/signing/signers.ts';
import { certificateFor } from '../../support/certificate.ts';
import { keyOf } from '../../support/signed.ts';
import { installRule, type RuleToSign, signDirectory, writeFiles } from '../../support/signed-project.ts';
import { callRule, makeProject, statuses } from './support.ts';

const HOST = 'api.example.com';
const { key: tlsKey, cert } = certificateFor(HOST);
const visitors: string[] = [];
const server = createServer({ key: tlsKey, cert }, (request, response) => {
  visitors.push(request.url ?? '');
  response.end(`answer to ${request.url}`);
});

const HEAD = `import https from 'node:https';
import { readdirSync } from 'node:fs';
const ca = ${JSON.stringify(cert)};
const get = (url: string, more = {}) => new Promise<string>((resolve) => {
  https.get(url, { ca, ...more }, (response) => {
    let text = '';
    response.on('data', (part) => { text += part; }).on('end', () => resolve(text));
  }).on('error', (error: any) => resolve(error.code + ' ' + error.message));
});
//
const loaded = (name: string): any => (process as any).getBuiltinModule(name);
const connecting = (where: object) => new Promise((resolve) => {
  const socket = loaded('node:net').connect(where, () => { socket.destroy(); resolve('CONNECTED'); });
  socket.on('error', (error: any) => resolve(error.code));
});
`;
/** What a check saw, as its one finding. */
const telling = (saw: string): string => `export default async function check() {
  return [{ file: 'a.ts', line: 1, message: String(${saw}) }];
}
`;

describe('a rule with granted hosts', () => {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'assay-egress-test-')));
  const dir = openPrivateDir();
  const results = new Map<string, RuleResult>();
  let port = 0;
  let workshop: RepositoryWorkshop;

  /** A rule whose facts ask for the host, whatever inspection would say of its check. */
  function asking(name: string, saw: string): RuleToSign {
    const state = (statement: Statement): Statement => {
      const { rule } = statement.predicate;
      const network = { imports: ['node:https'], usesNetwork: true, hosts: [`${HOST}:${port}`] };
      const capabilities = { ...rule.capabilities, ...network };
      return { ...statement, predicate: { ...statement.predicate, rule: { ...rule, capabilities } } };
    };
    return { ...callRule(name, 'bad', HEAD + telling(saw)), uninspected: true, state };
  }

  beforeAll(async () => {
    logTo(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    const root = join(scratch, 'project');
    mkdirSync(root);
    for (const open of [scratch, root]) writeFileSync(join(open, 'a.ts'), 'bad(1);\n');
    chmodSync(scratch, 0o755);
    const here = `https://${HOST}:${port}`;
    const declared = `export const hosts = ['${HOST}:${port}'] as const;\n`;
    const honest = declared + HEAD.split('//\n')[0] + telling(`await get('${here}/honest')`);
    const rules: RuleToSign[] = [
      callRule('honest', 'bad', honest),
      asking('twice', `await get('${here}/1') + ', ' + await get('${here}/2')`),
      asking('another-host', `await get('https://other.example.com')`),
      asking('another-port', `await get('https://${HOST}')`),
      asking('unknown-issuer', `await get('${here}/issuer', { ca: undefined, rejectUnauthorized: false })`),
      asking('another-name', `await get('https://localhost:${port}/name', { servername: '${HOST}' })`),
      asking('own-agent', `await get('${here}/agent', { agent: new https.Agent() })`),
      asking('directly', `await connecting({ host: '127.0.0.1', port: ${port} })`),
      asking('by-name', `await connecting({ host: '${HOST}', port: ${port} })`),
      asking('by-fetch', `await globalThis.fetch('${here}/fetch').catch((error: any) => error.cause.code)`),
      asking('no-secret', `await connecting({ path: '/rule/egress.sock' })`),
      asking('looks-round', `readdirSync('/rule') + '; ' + (await connecting({ path: '${dir.hostDir}' }))`),
      {
        ...callRule(
          'no-hosts',
          'bad',
          HEAD + telling(`readdirSync('/rule') + ' ' + (await get('${here}/none'))`),
        ),
        uninspected: true,
      },
    ];
    const signers = onlySigner((await keyOf(7)).publicKey);
    const policy = { version: 1 as const, egress: [`${HOST}:${port}`] };
    const trusted = { signers, policy, log: null, now: new Date().toISOString() };
    const admitted = [];
    for (const rule of rules) {
      const { files } = await signDirectory(await keyOf(7), rule);
      const directory = await installRule(scratch, rule.name, files);
      const admission = await admit({ name: rule.name, directory }, trusted);
      if (!('rule' in admission)) throw new Error(`${rule.name}: ${admission.refusal.message}`);
      admitted.push(admission.rule);
    }
    workshop = await openWorkshop(dir.hostDir, root);
    await runRules({
      workshop,
      rules: admitted,
      paths: [],
      requiredFlags: ISOLATION_FLAGS,
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      progress: () => {},
      reach: {
        addressesOf: async () => ['127.0.0.1'],
        mayDial: (address) => address === '127.0.0.1',
      },
      onResult: ({ name }, result) => void results.set(name, result),
    });
  });
  afterAll(() => {
    server.close();
    dir.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  const saw = (rule: string): string | undefined =>
    results.get(rule)?.failure?.message ?? results.get(rule)?.findings[0]?.message;
  const failure = (rule: string): string | undefined => results.get(rule)?.failure?.reason;

  it('reaches them through https, more than once', () => {
    expect(saw('honest')).toBe('answer to /honest');
    expect(saw('twice')).toBe('answer to /1, answer to /2');
    expect([failure('honest'), failure('twice')]).toEqual([undefined, undefined]);
  });

  it('has failed when it tried another host or port, whatever it returned', () => {
    expect(saw('another-host')).toBe('connections were refused: other.example.com:443 is not granted');
    expect(saw('another-port')).toBe(`connections were refused: ${HOST}:443 is not granted`);
    expect([failure('another-host'), failure('another-port')]).toEqual(['egress_refused', 'egress_refused']);
    expect(failure('another-name')).toBe('egress_refused');
  });

  it('cannot be made to talk to whoever has no certificate of the host', () => {
    expect(saw('unknown-issuer')).toMatch(/^DEPTH_ZERO_SELF_SIGNED_CERT/);
  });

  it('has no other way out', () => {
    expect(saw('own-agent')).toMatch(/^E[A-Z_]+ /);
    expect(saw('directly')).toMatch(/ENETUNREACH|ECONNREFUSED|EACCES|EPERM/);
    expect(saw('by-name')).toMatch(/EAI_AGAIN|ENOTFOUND|EACCES/);
    expect(saw('by-fetch')).toMatch(/EAI_AGAIN|ENOTFOUND|EACCES/);
    expect(visitors.toSorted()).toEqual(['/1', '/2', '/honest']);
  });

  it('finds its own socket in its room and no other one; without hosts there is none', () => {
    expect(saw('no-secret')).toBe('CONNECTED');
    expect(saw('looks-round')).toBe('check.mjs,egress.sock; ENOENT');
    expect(saw('no-hosts')).toMatch(/^check\.mjs E[A-Z_]+ /);
  });

  it('leaves no socket behind', () => {
    const left = readdirSync(dir.hostDir, { recursive: true }).filter((path) =>
      String(path).endsWith('.sock'),
    );
    expect(left).toEqual([]);
  });
});

describe('without a grant', () => {
  const check = `import https from 'node:https';
export const hosts = ['${HOST}', 'x.example.org:8443'];
export default function check() { void https; return [{ file: 'a.ts', message: 'RAN' }]; }
`;

  it('a rule that asks for hosts is never run, and the refusal names them', async () => {
    const project = await makeProject({ 'a.ts': 'bad(1);\ngood(1);\n' });
    await project.add(callRule('asks', 'bad', check));
    await project.add(callRule('good', 'good'));
    await writeFiles(project.root, {
      'policy.yml': `version: 1\negress: ['${HOST}:443', 'x.example.org']\n`,
    });
    for (const [options, missing] of [
      [[], `${HOST}, x.example.org:8443`],
      [['--policy', 'policy.yml'], 'x.example.org:8443'],
    ] as const) {
      const answer = await project.checkJson(...options);
      expect(statuses(answer)).toEqual(['asks: refused (egress_not_granted)', 'good: checked']);
      expect(answer.rules[0]?.message).toContain(`it asks to reach ${missing}, which`);
      expect(answer.findings.map(({ message }) => message)).toEqual(['good is called']);
      expect(answer.run.code).toBe(2);
    }
    rmSync(project.root, { recursive: true });
  });
});
