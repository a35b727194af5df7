/**
 * `assay install ID`: a signed rule of the service, put where the repository's Taskless layout has it. It is verified
 * first, against the trust of whoever installs and not of the repository, and what is written are the verified bytes.
 */
import { join } from 'node:path';
import colors from 'picocolors';
import { stringify } from 'yaml';
import { decide } from '../../src/consumer/decide.ts';
import { BUNDLE_FILE, PROOF_FILE } from '../../src/rules/layout.ts';
import { pathProblem } from '../../src/schema/path.ts';
import { readUpTo, replaceFile } from '../atomic-file.ts';
import { ApiClient } from '../client.ts';
import { type ConnectionOptions, findConnection } from '../connection.ts';
import { EXIT, type ExitCode, UsageError } from '../exit.ts';
import { FOLDER, openProject } from '../install/project.ts';
import { type Installed, installFiles } from '../install/write.ts';
import { note, plain, print, printJson } from '../output.ts';
import { loadTrust, type TrustOptions } from '../trust-options.ts';

export interface InstallOptions extends ConnectionOptions, TrustOptions {
  readonly dir: string;
  readonly init?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Of the client's sidecar: what it needs to ask for an improvement. */
const META_SCHEMA_VERSION = '1';
const MAX_META_BYTES = 64 * 1024;

export async function install(id: string, options: InstallOptions): Promise<ExitCode> {
  const trusted = await loadTrust(options);
  const client = new ApiClient(findConnection(options));
  const answered = await client.rule(await ruleIdOf(client, id));
  const encoder = new TextEncoder();
  const files = new Map(Object.entries(answered.files).map(([path, text]) => [path, encoder.encode(text)]));
  const decision = await decide(files, trusted);
  if (decision.kind !== 'counts') {
    const reason = decision.kind === 'refused' ? decision.reason : 'policy';
    const why =
      decision.kind === 'refused'
        ? decision.message
        : decision.violations.map(({ message }) => message).join('; ');
    if (options.json === true) printJson({ ok: false, reason, message: why });
    else print(`${colors.red('refused')} ${plain(answered.name)}: ${plain(why)} (${reason})`);
    return decision.kind === 'refused' && decision.unreadable ? EXIT.unknown : EXIT.no;
  }
  // What the signature says, and not what the service calls it.
  const { name, engine } = decision.rule.statement.predicate.rule;
  if (pathProblem(name) !== null)
    throw new UsageError('BAD_ANSWER', 'the rule has a name that is no file name');
  const verified = new Map(decision.rule.files);
  for (const path of [BUNDLE_FILE, PROOF_FILE]) {
    const bytes = files.get(path);
    if (bytes !== undefined) verified.set(path, bytes);
  }
  const project = await openProject(options.dir, options.init === true);
  const folder = join(project.root, FOLDER);
  const how = { trusted, force: options.force === true };
  const installed = await installFiles(folder, project.layout, { name, engine, files: verified }, how);
  const sidecar = await writeSidecar(folder, name, answered.generationId, answered.publishedAt);
  const wrote = [...project.made, ...installed.wrote, ...sidecar];
  present({ ...installed, wrote }, { name, id: answered.id, layout: project.layout }, options);
  return EXIT.ok;
}

const IS_UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @param id of a rule, of its generation, or the UUID that the Taskless client knows it by */
async function ruleIdOf(client: ApiClient, id: string): Promise<string> {
  if (id.startsWith('rule-')) return id;
  const ruleId = IS_UUID.test(id) ? await client.tasklessRule(id) : (await client.get(id)).ruleId;
  if (ruleId !== null) return ruleId;
  throw new UsageError('NO_RULE', `${id} has no signed rule`, `see how it is: assay status ${id}`);
}

/** With it the Taskless client can ask for an improvement of the rule. Nobody edits it. */
async function writeSidecar(
  folder: string,
  name: string,
  ticketId: string,
  generatedAt: string,
): Promise<string[]> {
  const place = `rule-metadata/${name}.yml`;
  const meta = { ticketId, generatedAt, schemaVersion: META_SCHEMA_VERSION };
  const text = new TextEncoder().encode(stringify(meta, { lineWidth: 0 }));
  const there = await readUpTo(join(folder, place), MAX_META_BYTES);
  if (there !== null && Buffer.compare(there, text) === 0) return [];
  await replaceFile(join(folder, place), text);
  return [place];
}

interface Rule {
  readonly name: string;
  readonly id: string;
  readonly layout: number;
}

function present({ wrote, unchanged, removed }: Installed, rule: Rule, options: InstallOptions): void {
  const inRoot = (paths: readonly string[]) => paths.map((path) => `${FOLDER}/${path}`);
  if (options.json === true) {
    const { name, id, layout } = rule;
    printJson({
      ok: true,
      ...{ name, ruleId: id, layout },
      ...{ wrote: inRoot(wrote), unchanged: inRoot(unchanged), removed: inRoot(removed) },
    });
    return;
  }
  for (const path of inRoot(wrote)) print(`${colors.green('wrote')}    ${plain(path)}`);
  for (const path of inRoot(removed)) print(`${colors.yellow('removed')}  ${plain(path)}`);
  const kept = unchanged.length === 0 ? '' : `, ${unchanged.length} unchanged`;
  note(`${rule.name}: verified, ${wrote.length} written${kept} (layout ${rule.layout})`);
}
