/** What the service says at the end of a run: its log's key, and each rule, verified as a consumer would. */
import { setTimeout as wait } from 'node:timers/promises';
import { parsePublicKey } from '../../src/signing/ed25519.ts';
import { onlySigner } from '../../src/signing/signers.ts';
import { verifyRule } from '../../src/signing/verify.ts';
import type { LogKey } from '../../src/tlog/checkpoint.ts';
import { parseVkey } from '../../src/tlog/note.ts';
import type { Lane } from './lane.ts';
import type { Played } from './play.ts';

export async function logKeyOf(lane: Lane): Promise<LogKey> {
  const vkey = await parseVkey(await lane.text('/log/key'));
  if (vkey === null) throw new Error('the service shows no log key');
  return { origin: vkey.name, key: vkey.key };
}

/** Until no webhook is under way any more; one that never is delivered is judged later. */
export async function untilTold(lane: Lane): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const pending = (await lane.ask('GET', '/v1/deliveries?status=pending')).body as {
      deliveries: unknown[];
    };
    if (pending.deliveries.length === 0) return;
    await wait(200);
  }
}

/** Returns what is wrong, in sentences. */
export async function judgeServed(lane: Lane, played: readonly Played[]): Promise<string[]> {
  const { keys } = (await lane.ask('GET', '/v1/keys')).body as { keys: { publicKeyPem: string }[] };
  const key = await parsePublicKey(keys[0]?.publicKeyPem ?? '');
  if (key === null) throw new Error('the service shows no signing key');
  const problems: string[] = [];
  for (const { id, scenario } of played) {
    const { ruleId } = (await lane.ask('GET', `/v1/generations/${id}`)).body as { ruleId: string | null };
    if (ruleId === null) continue;
    const { files } = (await lane.ask('GET', `/v1/rules/${ruleId}`)).body as {
      files: Record<string, string>;
    };
    const bytes = new Map(
      Object.entries(files)
        .filter(([path]) => !path.startsWith('rule.'))
        .map(([path, text]) => [path, new TextEncoder().encode(text)]),
    );
    const bundle = new TextEncoder().encode(files['rule.sigstore.json']);
    const verified = await verifyRule(bundle, onlySigner(key), bytes);
    if (!verified.ok)
      problems.push(`${id} (${scenario}): the rule served does not verify: ${verified.message}`);
  }
  return problems;
}
