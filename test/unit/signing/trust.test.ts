/** Trust roots and revocation lists: what they let count, and every reason for which they are refused. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../src/rules/digest.ts';
import type { Revocations, TrustRoot } from '../../../src/schema/trust.ts';
import { addSignatures, readEnvelope, signDocument, TRUST_REASONS } from '../../../src/signing/document.ts';
import type { SigningKey } from '../../../src/signing/ed25519.ts';
import { REVOCATIONS } from '../../../src/signing/revocations.ts';
import { acceptUpdate, openTrust } from '../../../src/signing/trust.ts';
import { openRoot, TRUST_ROOT } from '../../../src/signing/trust-root.ts';
import { verifyRule } from '../../../src/signing/verify.ts';
import { keyOf, signedRule } from '../../support/signed.ts';
import {
  ISSUED,
  listBody,
  listed,
  listFile,
  NOW,
  rewritten,
  rootBody,
  rootFile,
  signerOf,
  trustKeys,
} from '../../support/trust.ts';

type Files = [root: Uint8Array | null, revocations: Uint8Array | null];
const encoder = new TextEncoder();
const seen = new Set<string>();

const reasonOf = async ([root, list]: Files, now = NOW) => note(await openTrust(root, list, now));
const note = (result: { ok: true } | { ok: false; reason: string }) => {
  if (result.ok) return 'trusted';
  seen.add(result.reason);
  return result.reason;
};

let root: Uint8Array;
let list: Uint8Array;
let keys: Awaited<ReturnType<typeof trustKeys>>;
beforeAll(async () => {
  [root, list, keys] = [await rootFile(), await listFile(), await trustKeys()];
});

describe('what is trusted', () => {
  test('signers with their windows, and the fingerprint of the file', async () => {
    const opened = await openTrust(root, list, NOW);
    const { keyId } = keys.signing.publicKey;
    expect(opened).toMatchObject({ ok: true, rootSha256: await sha256Hex(root), root: await rootBody() });
    if (!opened.ok) return;
    expect([...opened.signers.byKeyId]).toEqual([
      [
        keyId,
        { key: keys.signing.publicKey, name: 'signing-1', notBefore: ISSUED, notAfter: null, revoked: null },
      ],
    ]);
    expect(opened.signers.now).toBe(NOW);
  });

  test('the same body and keys give the same bytes', async () => {
    expect(await rootFile()).toEqual(root);
    expect(await rootFile({}, [keys.roots[1], keys.roots[0]])).toEqual(root);
  });

  test('a rule, until its key or its bundle is revoked, or its key has ended before', async () => {
    const rule = await signedRule();
    const verdict = async (file: Uint8Array, revocations: Partial<Revocations>) => {
      const opened = await openTrust(file, await listFile(revocations), NOW);
      if (!opened.ok) return opened.reason;
      const verified = await verifyRule(rule.bundle, opened.signers, rule.files);
      return verified.ok ? 'verified' : verified.reason;
    };
    const at = ISSUED;
    const { keyId } = keys.signing.publicKey;
    const ending = (notAfter: string) => rootFile({ signers: [signerOf(keys.signing, { notAfter })] });
    expect(await verdict(root, {})).toBe('verified');
    expect(await verdict(root, { keys: [{ keyId, at, reason: 'lost' }] })).toBe('key_revoked');
    expect(await verdict(root, { bundles: [{ sha256: rule.bundleSha256, at, reason: 'wrong' }] })).toBe(
      'bundle_revoked',
    );
    expect(await verdict(await ending('2026-01-01T00:00:00.500Z'), {})).toBe('key_expired');
    expect(await verdict(await ending('2026-01-02T00:00:00.000Z'), {})).toBe('verified');
    expect(await verdict(await rootFile({ signers: [signerOf(keys.next)] }), {})).toBe('key_unknown');
  });
});

/** Root files that are refused by their form, whatever they are signed with. */
const misshapen: [string, (body: TrustRoot) => Promise<Partial<TrustRoot>> | Partial<TrustRoot>][] = [
  ['an end before its beginning', () => ({ expiresAt: ISSUED })],
  [
    'a threshold above its keys',
    ({ roles }) => ({ roles: { ...roles, root: { ...roles.root, threshold: 4 } } }),
  ],
  ['a role key it does not hold', ({ keys: all }) => ({ keys: all.slice(0, 3) })],
  ['a key twice', ({ keys: all }) => ({ keys: [...all, ...all.slice(0, 1)] })],
  [
    'a key twice in a role, to count it twice',
    ({ roles }) => {
      const [first = ''] = roles.root.keyIds;
      return { roles: { ...roles, root: { keyIds: [first, first], threshold: 2 } } };
    },
  ],
  ['a signer twice', ({ signers }) => ({ signers: [...signers, ...signers] })],
  [
    'two signers with one key',
    ({ signers }) => ({ signers: signers.flatMap((one) => [one, { ...one, name: 'other' }]) }),
  ],
  ['two signers with one name', async ({ signers }) => ({ signers: [...signers, signerOf(await keyOf(8))] })],
  ['a signing key that may change the root', async () => ({ signers: [signerOf(await keyOf(1))] })],
  [
    'a signer whose time ends before it begins',
    async () => ({ signers: [signerOf(await keyOf(7), { notAfter: '2025-01-01T00:00:00.000Z' })] }),
  ],
  [
    'a key under the id of another',
    ({ keys: all }) => {
      const [a, b, ...rest] = all;
      return {
        keys: [{ keyId: a?.keyId ?? '', publicKey: b?.publicKey ?? '' }, b ?? all[0], ...rest] as never,
      };
    },
  ],
  [
    'a signer with bytes that are no key',
    async () => ({ signers: [signerOf(await keyOf(7), { publicKey: 'AAAA' })] }),
  ],
  ['a log with bytes that are no key', () => ({ log: { origin: 'log', publicKey: 'AAAA' } })],
];

describe('a trust root is refused', () => {
  test.each(misshapen)('with %s', async (_, change) => {
    const file = await rootFile(await change(await rootBody()));
    expect(await reasonOf([file, list])).toBe('trust_root_malformed');
  });

  test('when it is missing, too large, no JSON, of another kind, or written in another way', async () => {
    expect(await reasonOf([null, list])).toBe('trust_root_missing');
    expect(await reasonOf([new Uint8Array(1024 * 1024 + 1), list])).toBe('trust_root_too_large');
    expect(await reasonOf([encoder.encode('{'), list])).toBe('trust_root_not_json');
    expect(await reasonOf([Uint8Array.of(0xff), list])).toBe('trust_root_not_json');
    expect(await reasonOf([encoder.encode('[]'), list])).toBe('trust_root_malformed');
    expect(await reasonOf([list, list])).toBe('trust_root_version_unknown');
    expect(await reasonOf([encoder.encode(`${new TextDecoder().decode(root)} `), list])).toBe(
      'trust_root_not_canonical',
    );
    const compact = JSON.stringify(JSON.parse(new TextDecoder().decode(root)));
    expect(await reasonOf([encoder.encode(compact), list])).toBe('trust_root_not_canonical');
  });

  test('of a later version, or with a payload in another text, though it is signed', async () => {
    const body = await rootBody();
    expect(await reasonOf([signText({ ...body, format: 'assay-trust-root/v2' }), list])).toBe(
      'trust_root_version_unknown',
    );
    expect(await reasonOf([signText({ ...body, more: 1 }), list])).toBe('trust_root_malformed');
    expect(await reasonOf([signText({ ...body, issuedAt: '2026-01-01T00:00:00Z' }), list])).toBe(
      'trust_root_malformed',
    );
    const { format, ...rest } = body;
    expect(await reasonOf([signText({ ...rest, format }), list])).toBe('trust_root_not_canonical');
  });

  test('with too few signatures of its own', async () => {
    expect(await reasonOf([await rootFile({}, [keys.roots[2]]), list])).toBe('trust_root_threshold');
    expect(await reasonOf([await rootFile({}, []), list])).toBe('trust_root_threshold');
    // The revocation key is a key of the document, and none of that role.
    expect(await reasonOf([await rootFile({}, [keys.roots[0], keys.revoker]), list])).toBe(
      'trust_root_threshold',
    );
  });

  test('with a signature that is doubled, by a stranger, or not its own, beside enough that hold', async () => {
    const doubled = rewritten(root, (one) => one.signatures.splice(1, 0, { ...one.signatures[0] } as never));
    expect(await reasonOf([doubled, list])).toBe('trust_root_malformed');
    const swapped = rewritten(root, (one) => one.signatures.reverse());
    expect(await reasonOf([swapped, list])).toBe('trust_root_malformed');
    const stranger = await rootFile({}, [keys.roots[0], keys.roots[1], keys.next]);
    expect(await reasonOf([stranger, list])).toBe('trust_root_signature_invalid');
    const other = await rootFile({ sequence: 2 }, keys.roots);
    const borrowed = rewritten(await rootFile({}, keys.roots), (one) => {
      const from = JSON.parse(new TextDecoder().decode(other)) as typeof one;
      one.signatures[2] = from.signatures[2] as never;
    });
    expect(await reasonOf([borrowed, list])).toBe('trust_root_signature_invalid');
  });

  test('before it was issued and after it expired, with five minutes for clocks', async () => {
    expect(await reasonOf([root, list], '2025-12-31T23:54:59.999Z')).toBe('trust_root_future');
    expect(await reasonOf([root, list], '2025-12-31T23:55:00.000Z')).toBe('trusted');
    const fresh = await listFile({ issuedAt: '2026-12-31T00:00:00.000Z' });
    expect(await reasonOf([root, fresh], '2027-01-01T00:00:00.000Z')).toBe('trusted');
    expect(await reasonOf([root, fresh], '2027-01-01T00:00:00.001Z')).toBe('trust_root_expired');
  });

  /** Signs any payload as a trust root. */
  function signText(payload: unknown): Uint8Array {
    const bytes = encoder.encode(JSON.stringify(payload));
    return addSignatures(TRUST_ROOT, { payload: bytes, signatures: [] }, keys.roots);
  }
});

describe('a revocation list is refused', () => {
  test('when it is missing, too large, no JSON, of another kind, or written in another way', async () => {
    expect(await reasonOf([root, null])).toBe('revocations_missing');
    expect(await reasonOf([root, new Uint8Array(4 * 1024 * 1024 + 1)])).toBe('revocations_too_large');
    expect(await reasonOf([root, new Uint8Array()])).toBe('revocations_not_json');
    expect(await reasonOf([root, encoder.encode('{}')])).toBe('revocations_malformed');
    expect(await reasonOf([root, root])).toBe('revocations_version_unknown');
    expect(await reasonOf([root, list.subarray(0, -1)])).toBe('revocations_not_canonical');
  });

  test('signed by too few, by a stranger, or not as it stands', async () => {
    expect(await reasonOf([root, await listFile({}, [])])).toBe('revocations_threshold');
    expect(await reasonOf([root, await listFile({}, [keys.roots[0]])])).toBe('revocations_threshold');
    expect(await reasonOf([root, await listFile({}, [keys.signing])])).toBe('revocations_signature_invalid');
    const later = await listFile({ sequence: 2 });
    const changed = rewritten(list, (one) => {
      one.payload = (JSON.parse(new TextDecoder().decode(later)) as typeof one).payload;
    });
    expect(await reasonOf([root, changed])).toBe('revocations_signature_invalid');
  });

  test('with something twice, or an entry later than itself', async () => {
    const one = { sha256: 'ab'.repeat(32), at: ISSUED, reason: 'x' };
    expect(await reasonOf([root, await listFile({ bundles: [one, one] })])).toBe('revocations_malformed');
    expect(await reasonOf([root, await listFile({ bundles: [{ ...one, at: NOW }] })])).toBe(
      'revocations_malformed',
    );
  });

  test('when it is older than the root allows, and when it is of tomorrow', async () => {
    expect(await reasonOf([root, list], '2026-01-31T00:00:00.000Z')).toBe('trusted');
    expect(await reasonOf([root, list], '2026-01-31T00:00:00.001Z')).toBe('revocations_stale');
    const tomorrow = await listFile({ issuedAt: '2026-01-11T00:00:00.000Z' });
    expect(await reasonOf([root, tomorrow])).toBe('revocations_future');
  });
});

describe('newer documents take the place of older ones', () => {
  const second = (over: Partial<TrustRoot> = {}) => rootFile({ sequence: 2, issuedAt: NOW, ...over });
  const update = async (
    roots: readonly Uint8Array[],
    revocations: Uint8Array | null = list,
    current: { root: Uint8Array; revocations: Uint8Array | null } = { root, revocations: list },
  ) => acceptUpdate(current, { roots, revocations }, NOW);

  test('one by one, from whichever is known, and the same again is no change', async () => {
    const chain = [root, await second(), await rootFile({ sequence: 3, issuedAt: NOW })];
    const accepted = await update(chain);
    expect(accepted).toMatchObject({
      ok: true,
      changed: { root: true, revocations: false },
      files: { root: chain[2] },
    });
    expect(await update(chain.slice(1))).toMatchObject({ ok: true, files: { root: chain[2] } });
    expect(await update([root])).toMatchObject({ ok: true, changed: { root: false, revocations: false } });
  });

  test('when root keys change: those that leave sign, those that come sign too', async () => {
    const [d, e] = [await keyOf(21), await keyOf(22)];
    const body = await rootBody({ sequence: 2, issuedAt: NOW });
    const { revocations } = body.roles;
    const roles = { root: { keyIds: [d, e].map((one) => one.publicKey.keyId), threshold: 2 }, revocations };
    const all = [...body.keys, listed(d), listed(e)];
    const signed = (...by: SigningKey[]) => rootFile({ ...body, roles, keys: all }, by);
    const { roots } = keys;
    expect(await update([await signed(roots[0], roots[2], d, e)])).toMatchObject({ ok: true });
    expect(note(await update([await signed(roots[0], d, e)]))).toBe('trust_root_chain');
    expect(note(await update([await signed(d, e)]))).toBe('trust_root_chain');
    expect(note(await update([await signed(roots[0], roots[1], d)]))).toBe('trust_root_threshold');
  });

  test('never back, never over a gap, never to another one with the same number', async () => {
    const [two, three] = [await second(), await rootFile({ sequence: 3, issuedAt: NOW })];
    const current = { root: two, revocations: list };
    expect(note(await update([root], list, current))).toBe('trust_root_rollback');
    expect(note(await update([three]))).toBe('trust_root_chain');
    expect(note(await update([root, three]))).toBe('trust_root_chain');
    expect(note(await update([two, root]))).toBe('trust_root_chain');
    expect(note(await update([]))).toBe('trust_root_missing');
    expect(note(await update([await rootFile({ revocationsMaxAgeDays: 3_000 })]))).toBe('trust_root_forked');
    expect(
      note(await update([root, await second({ expiresAt: '2026-01-09T00:00:00.000Z', issuedAt: ISSUED })])),
    ).toBe('trust_root_expired');
  });

  test('an expired root and a stale list are no obstacle, if what comes is fresh', async () => {
    const later = '2028-01-01T00:00:00.000Z';
    const chain = [root, await second({ issuedAt: later, expiresAt: '2029-01-01T00:00:00.000Z' })];
    const offer = { roots: chain, revocations: await listFile({ sequence: 2, issuedAt: later }) };
    expect(await acceptUpdate({ root, revocations: list }, offer, later)).toMatchObject({ ok: true });
    expect(await acceptUpdate({ root, revocations: null }, offer, later)).toMatchObject({ ok: true });
  });

  test('a list never goes back, never differs under one number, and never forgets', async () => {
    const entry = { sha256: 'ab'.repeat(32), at: ISSUED, reason: 'x' };
    const gone = { keyId: keys.signing.publicKey.keyId, at: ISSUED, reason: 'lost' };
    const known = { root, revocations: await listFile({ sequence: 2, bundles: [entry], keys: [gone] }) };
    const offered = async (over: Partial<Revocations>) =>
      note(await update([root], await listFile(over), known));
    expect(await offered({ sequence: 3, bundles: [entry], keys: [gone] })).toBe('trusted');
    expect(await offered({ sequence: 1 })).toBe('revocations_rollback');
    expect(await offered({ sequence: 2, bundles: [entry] })).toBe('revocations_forked');
    expect(await offered({ sequence: 3, bundles: [entry] })).toBe('revocations_entry_lost');
    expect(await offered({ sequence: 3, keys: [gone] })).toBe('revocations_entry_lost');
    expect(await offered({ sequence: 3, bundles: [entry], keys: [{ ...gone, reason: 'y' }] })).toBe(
      'revocations_entry_lost',
    );
  });

  test('what a stolen revocation key has listed goes with it, and nothing older comes back', async () => {
    const thief = keys.revoker;
    const heir = await keyOf(23);
    const entry = { sha256: 'ab'.repeat(32), at: ISSUED, reason: 'not true' };
    const stolen = await listFile({ sequence: 1_000_000_000, bundles: [entry] }, [thief]);
    const body = await rootBody({ sequence: 2, issuedAt: NOW });
    const roles = { ...body.roles, revocations: { keyIds: [heir.publicKey.keyId], threshold: 1 } };
    const changed = await rootFile({ ...body, roles, keys: [...body.keys, listed(heir)] });
    const current = { root, revocations: stolen };
    const offered = async (sequence: number, issuedAt: string) =>
      note(await update([changed], await listFile({ sequence, issuedAt }, [heir]), current));
    expect(await offered(2, NOW)).toBe('trusted');
    expect(await offered(2, '2026-01-09T00:00:00.000Z')).toBe('revocations_rollback');
    expect(note(await update([changed], stolen, current))).toBe('revocations_threshold');
    // Under the root it had its part in, its number stands.
    expect(note(await update([root], await listFile({ sequence: 2 }), current))).toBe('revocations_rollback');
  });
});

describe('properties', () => {
  test('every single changed byte of either document is refused', async () => {
    for (const [which, file] of [root, list].entries()) {
      for (let at = 0; at < file.length; at += 1) {
        const changed = file.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        const files: Files = which === 0 ? [changed, list] : [root, changed];
        if ((await reasonOf(files)) === 'trusted') expect.fail(`byte ${at} of document ${which} is free`);
      }
    }
  });

  test('bytes left out, added or exchanged are refused', async () => {
    const edit = fc.record({
      which: fc.nat(1),
      at: fc.nat(5_000),
      drop: fc.nat(3),
      add: fc.uint8Array({ maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(edit, async ({ which, at, drop, add }) => {
        const file = which === 0 ? root : list;
        const from = at % file.length;
        const changed = Uint8Array.from([...file.subarray(0, from), ...add, ...file.subarray(from + drop)]);
        fc.pre(changed.length !== file.length || changed.some((byte, index) => byte !== file[index]));
        const files: Files = which === 0 ? [changed, list] : [root, changed];
        expect(await reasonOf(files)).not.toBe('trusted');
      }),
      { numRuns: 200 },
    );
  });

  test('fewer different keys than the threshold are refused, however often they sign', async () => {
    const pool = await Promise.all([31, 32, 33, 34, 35].map(keyOf));
    const size = fc.integer({ min: 1, max: 5 });
    const choice = fc.record({ size, threshold: size, by: fc.array(fc.nat(4), { maxLength: 8 }) });
    const revocations = (await rootBody()).roles.revocations;
    await fc.assert(
      fc.asyncProperty(choice, async ({ size: count, threshold, by }) => {
        fc.pre(threshold <= count);
        const members = pool.slice(0, count);
        const role = { keyIds: members.map((one) => one.publicKey.keyId), threshold };
        const signers = by.flatMap((at) => members[at] ?? []);
        const file = await rootFile(
          { roles: { root: role, revocations }, keys: [...members, keys.revoker].map(listed) },
          signers,
        );
        const enough = new Set(signers).size >= threshold;
        expect(note(await openRoot(file))).toBe(enough ? 'trusted' : 'trust_root_threshold');
      }),
      { numRuns: 50 },
    );
  });

  test('a signature for one kind of document is none for the other', async () => {
    const payload = encoder.encode(JSON.stringify(listBody()));
    const asRoot = addSignatures(TRUST_ROOT, { payload, signatures: [] }, [keys.revoker]);
    const crossed = rewritten(asRoot, (one) => {
      one.payloadType = REVOCATIONS.payloadType;
    });
    expect(await reasonOf([root, crossed])).toBe('revocations_signature_invalid');
  });

  test('a signature that is added later changes nothing that was said', async () => {
    const envelope = await readEnvelope(TRUST_ROOT, await rootFile({}, [keys.roots[2]]));
    if (!envelope.ok) throw new Error(envelope.message);
    const file = addSignatures(TRUST_ROOT, envelope, [keys.roots[0], keys.roots[2]]);
    expect(file).toEqual(signDocument(TRUST_ROOT, await rootBody(), [keys.roots[0], keys.roots[2]]));
  });
});

test('every reason was seen here', () => {
  expect(TRUST_REASONS.filter((reason) => !seen.has(reason))).toEqual([]);
});
