/** `assay export`: one bundle in the form another tool verifies. */
import { type Command, Option } from 'commander';
import { FORMATS } from '../../src/signing/sidecars/names.ts';
import { withJson, withService } from '../options.ts';
import { run } from '../run.ts';

const HELP = `
Formats:
  dsse       the DSSE envelope                    the bundle alone is enough
  intoto     the statement, and SHA256SUMS        the bundle alone is enough
  openssl    key, signed bytes, raw signature     needs the public key
  webcrypto  JWK and base64url                    needs the public key
  signify    the same signature, over pae.bin     needs the public key
  minisign   a signature of the bundle file       needs the signer: --signing-key, or the service
  ssh        a signature of the bundle file       needs the signer: --signing-key, or the service

Whatever it needs, the rule is verified first where a key or a trust root is known.
Exit codes: 0 written, 1 the rule is refused, 2 no answer (usage, unreadable, not written)`;

export function registerExport(program: Command): void {
  const command = program
    .command('export')
    .argument('<dir>', 'rule directory with rule.sigstore.json')
    .description('write the signature of a rule in the form another tool verifies')
    .addOption(new Option('--format <format>', 'which form').choices(FORMATS).makeOptionMandatory())
    .option('--out <dir>', 'where to (default: <rule name>-<format>)')
    .option('--force', 'replace files that differ')
    .option('--trust <dir>', 'trust root and revocations (default: ASSAY_TRUST, or ~/.config/assay/trust)')
    .option('--key <file>', 'trust this one public key (SPKI PEM) instead; knows no expiry and no revocation')
    .option(
      '--signing-key <file>',
      'private key (PKCS#8 PEM) for minisign and ssh; it is read, never written',
    );
  withJson(withService(command))
    .addHelpText('after', HELP)
    .action((directory, options) =>
      run(options, async () => (await import('../commands/export.ts')).exportRule(directory, options)),
    );
}
