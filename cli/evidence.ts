/** A verified rule's evidence as a person reads it. Everything shown comes from the signed statement. */
import colors from 'picocolors';
import type { Logged } from '../src/consumer/decide.ts';
import type { Predicate } from '../src/schema/statement.ts';
import type { Opened } from '../src/signing/verify.ts';
import { counted, plain, print } from './output.ts';

/** @param logged what the proof beside the bundle shows; `null` without one, or without a log to believe */
export function printEvidence(opened: Opened, logged: Logged | null): void {
  const { predicate, subject } = opened.statement;
  print(
    `${colors.green('verified')} ${plain(predicate.rule.name)}: every byte of ${subject.length} files is what was signed`,
  );
  for (const [label, text] of facts(opened, logged)) print(`  ${label.padEnd(10)}${text}`);
  print('  cases');
  for (const one of predicate.cases) {
    print(`    ${one.kind.padEnd(8)}${plain(one.name)}: ${one.status}, ${counted(one.findings, 'finding')}`);
  }
}

function facts(opened: Opened, logged: Logged | null): [string, string][] {
  const { predicate } = opened.statement;
  const { model, generation } = predicate;
  return [
    ['says', plain(predicate.rule.summary)],
    ['passed', passedText(predicate)],
    ['sandbox', sandboxText(predicate.sandbox)],
    ['agreement', agreementText(predicate)],
    predicate.rule.engine === 'sg' ? ['rule', sgText(predicate.rule)] : ['check', checkText(predicate.rule)],
    ['model', `${plain(model.id)}, prompt ${plain(model.promptVersion)}, attempt ${generation.attempts}`],
    ['made by', plain(generation.id)],
    ['signed', `${predicate.signedAt} by ${signerText(opened)}`],
    ['bundle', `sha256 ${opened.bundleSha256}`],
    ['log', logged === null ? 'not proven' : `entry ${logged.index} of ${logged.size}`],
  ];
}

function passedText({ cases, heldOut, variants }: Predicate): string {
  const invalid = cases.filter((one) => one.kind === 'invalid').length;
  return [
    `${counted(cases.length, 'case')} (${cases.length - invalid} valid, ${invalid} invalid)`,
    heldOut === null ? 'none held out' : `${heldOut.length} held out`,
    variants === null ? 'no variants' : counted(variants.length, 'variant'),
  ].join(', ');
}

function sandboxText({ kind, build, isolation }: Predicate['sandbox']): string {
  const broken = Object.keys(isolation.flags).filter(
    (flag) => !isolation.flags[flag as keyof typeof isolation.flags],
  );
  const walls =
    broken.length === 0
      ? 'every wall measured to hold'
      : colors.red(`these walls did NOT hold: ${broken.join(', ')}`);
  return `${kind} (${isolation.jail}), ${walls}; node ${plain(build.node)}, ast-grep ${plain(build.astGrep)}`;
}

function agreementText({ confirmation }: Predicate): string {
  if (confirmation === null) return 'no second sandbox ran it';
  return `the same findings in ${sandboxText(confirmation)}`;
}

function checkText({ size, capabilities }: Predicate['rule']): string {
  const can = [
    capabilities.readsFiles ? 'reads files' : null,
    capabilities.startsProcesses ? 'STARTS PROCESSES' : null,
    capabilities.usesNetwork ? networkText(capabilities.hosts) : null,
  ].filter((fact) => fact !== null);
  const imports = capabilities.imports.length === 0 ? 'nothing' : plain(capabilities.imports.join(', '));
  const facts = can.length === 0 ? '' : `; ${can.join(', ')}`;
  return `${counted(size.checkLines, 'line')}, ${counted(size.captures, 'capture')}, imports ${imports}${facts}`;
}

function networkText(hosts: readonly string[]): string {
  return hosts.length === 0 ? 'USES THE NETWORK' : `ASKS TO REACH ${plain(hosts.join(' '))}`;
}

function sgText({ language, severity, message, size }: Extract<Predicate['rule'], { engine: 'sg' }>): string {
  const lines = counted(size.captureLines, 'line');
  return `one ast-grep rule for ${plain(language)}, ${lines}, no code; ${severity}: ${plain(message)}`;
}

function signerText({ signer }: Opened): string {
  const { keyId } = signer.key;
  const until = signer.notAfter === null ? '' : `, whose key counts until ${signer.notAfter}`;
  return signer.name === keyId ? `key ${keyId}` : `${plain(signer.name)} (key ${keyId})${until}`;
}
