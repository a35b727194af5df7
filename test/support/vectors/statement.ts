/** Payloads that are signed well and are no statement of ours: only a signer's fault makes these. */
import { type Bench, bundled, type Loose, type Vector } from './vector.ts';

export function statementVectors({ signed, sign, restate }: Bench): Vector[] {
  const stated = (
    name: string,
    change: (statement: Loose) => void,
    expect: Vector['expect'] = 'statement_malformed',
  ): Vector => bundled(`statement/${name}`, expect, restate(change));
  const raw = (name: string, payload: string): Vector =>
    bundled(`statement/${name}`, 'statement_malformed', sign(payload));
  const text = JSON.stringify(signed.statement);
  return [
    raw('empty', ''),
    raw('not-json', 'x'),
    raw('null', 'null'),
    raw('array', `[${text}]`),
    raw('two-statements', `${text}\n${text}`),
    stated('type-missing', (s) => {
      delete s._type;
    }),
    stated('type-v0.1', (s) => {
      s._type = 'https://in-toto.io/Statement/v0.1';
    }),
    stated(
      'predicate-type-other',
      (s) => {
        s.predicateType = 'https://slsa.dev/provenance/v1';
      },
      'predicate_unknown',
    ),
    stated(
      'predicate-type-v2',
      (s) => {
        s.predicateType = s.predicateType.replace('/v1', '/v2');
      },
      'predicate_unknown',
    ),
    stated('predicate-type-number', (s) => {
      s.predicateType = 1;
    }),
    stated('predicate-missing', (s) => {
      delete s.predicate;
    }),
    stated('extra-field', (s) => {
      s.more = 1;
    }),
    stated('predicate-extra-field', (s) => {
      s.predicate.more = 1;
    }),
    stated('no-subject', (s) => {
      s.subject = [];
    }),
    stated('subject-without-digest', (s) => {
      delete s.subject[0].digest;
    }),
    stated('subject-sha1', (s) => {
      s.subject[0].digest = { sha1: 'ab'.repeat(20) };
    }),
    stated('subject-two-digests', (s) => {
      s.subject[0].digest.sha512 = 'ab'.repeat(64);
    }),
    stated('subject-digest-upper-case', (s) => {
      s.subject[0].digest.sha256 = s.subject[0].digest.sha256.toUpperCase();
    }),
    stated('subject-digest-short', (s) => {
      s.subject[0].digest.sha256 = 'ab';
    }),
    stated('subject-without-name', (s) => {
      delete s.subject[0].name;
    }),
    stated('subject-name-empty', (s) => {
      s.subject[0].name = '';
    }),
    stated(
      'subject-twice',
      (s) => {
        s.subject.push(s.subject[0]);
      },
      'subject_twice',
    ),
    stated(
      'subject-twice-other-digest',
      (s) => {
        s.subject.push({ ...s.subject[0], digest: s.subject[1].digest });
      },
      'subject_twice',
    ),
    stated('engine-sg', toSg, 'verified'),
    stated('engine-sg-with-envelope', (s) => {
      const { checkEnvelope } = s.predicate.rule;
      toSg(s);
      s.predicate.rule.checkEnvelope = checkEnvelope;
    }),
    stated('engine-sg-without-message', (s) => {
      toSg(s);
      delete s.predicate.rule.message;
    }),
    stated('engine-runtime-without-envelope', (s) => {
      delete s.predicate.rule.checkEnvelope;
    }),
    stated('engine-runtime-with-message', (s) => {
      s.predicate.rule.message = 'eval is used';
    }),
    stated('engine-missing', (s) => {
      delete s.predicate.rule.engine;
    }),
    stated('one-case', (s) => {
      s.predicate.cases.pop();
    }),
    stated('case-noisy', (s) => {
      s.predicate.cases[0].status = 'noisy';
    }),
    stated('case-missing-status', (s) => {
      s.predicate.cases[0].status = 'missing';
    }),
    stated('case-error', (s) => {
      s.predicate.cases[1].status = 'error';
    }),
    stated('case-kind', (s) => {
      s.predicate.cases[0].kind = 'other';
    }),
    stated('held-out-failed', (s) => {
      s.predicate.heldOut = [
        { kind: 'valid', sha256: 'ab'.repeat(32), status: 'noisy', matches: 1, findings: 1 },
      ];
    }),
    stated('held-out-empty', (s) => {
      s.predicate.heldOut = [];
    }),
    stated('variant-failed', (s) => {
      s.predicate.variants = [
        { of: 'x', transformation: 'crlf', sha256: 'ab'.repeat(32), status: 'missing', findings: 0 },
      ];
    }),
    stated('no-sandbox', (s) => {
      delete s.predicate.sandbox;
    }),
    stated('sandbox-unknown', (s) => {
      s.predicate.sandbox.kind = 'laptop';
    }),
    stated('flag-not-boolean', (s) => {
      s.predicate.sandbox.isolation.flags.tcpBlocked = 'yes';
    }),
    stated('flag-missing', (s) => {
      delete s.predicate.sandbox.isolation.flags.dnsBlocked;
    }),
    stated('attempts-zero', (s) => {
      s.predicate.generation.attempts = 0;
    }),
    stated('time-without-zone', (s) => {
      s.predicate.signedAt = '2026-01-01T00:00:01';
    }),
    stated('time-not-a-time', (s) => {
      s.predicate.signedAt = 'yesterday';
    }),
    stated('engine-unknown', (s) => {
      s.predicate.rule.engine = 'vale';
    }),
    stated('capabilities-missing', (s) => {
      delete s.predicate.rule.capabilities;
    }),
  ];
}

/** What is stated of a rule without a check. Which files such a rule has is not for a verifier to judge. */
function toSg(statement: Loose): void {
  const { checkEnvelope: _none, ...rule } = statement.predicate.rule;
  const facts = { engine: 'sg', language: 'typescript', message: 'eval is used', severity: 'error' };
  statement.predicate.rule = { ...rule, ...facts };
}
