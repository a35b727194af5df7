/**
 * What the Taskless client sends and is answered, as `docs/spec/taskless.md` has it. The shapes are that client's
 * and not ours; requests are closed all the same. Sizes are bounded here, meaning is judged elsewhere.
 */
import { z } from 'zod';
import { guidance, MAX_CASES } from './request.ts';

/** Sent as organisation by a client that knows none. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
export const CLIENT_ID = 'taskless-cli';

/** A UUID, or the number GitHub gives an organisation, also as text. */
const orgId = z.union([z.string().min(1).max(100), z.int().min(0)]);

/** As the client writes it: letter case kept, no `.git`. */
export const repositoryUrl = z
  .string()
  .max(300)
  .regex(
    /^https:\/\/github\.com\/[A-Za-z0-9](?:[A-Za-z0-9-]{0,98})\/[A-Za-z0-9._-]{1,100}$/,
    'must be https://github.com/<owner>/<repository>',
  );

const snippets = z.array(z.string()).max(MAX_CASES);

export const submitSchema = z.strictObject({
  orgId,
  repositoryUrl,
  prompt: z.string().trim().min(1).max(8_000),
  /** Code that the rule must be silent on. */
  successCases: snippets.optional(),
  /** Code that it must report. */
  failureCases: snippets.optional(),
});
export type Submit = z.output<typeof submitSchema>;

export const iterateSchema = z.strictObject({
  orgId,
  guidance,
  /** Files the client holds beside it, by path below `.taskless/`. */
  references: z
    .array(z.strictObject({ filename: z.string().max(1_000), content: z.string() }))
    .max(200)
    .optional(),
});
export type Iterate = z.output<typeof iterateSchema>;

const reportedFile = z.strictObject({ file: z.string().max(4_096), signature: z.string().max(1_000) });
export const reconcileSchema = z.strictObject({
  /** Absent: whichever organisation of the caller covers the repository. */
  orgId: orgId.optional(),
  repositoryUrl,
  files: z.array(reportedFile).max(5_000),
});

export const deviceSchema = z.strictObject({
  client_id: z.literal(CLIENT_ID),
  repository_url: repositoryUrl.optional(),
});

export const tokenRequest = z.strictObject({
  grant_type: z.string().max(200),
  device_code: z.string().max(200),
  client_id: z.string().max(200),
});

/** Every error, with what the client shows of it. */
export const tasklessError = z.object({
  error: z.string(),
  details: z.array(z.string()).optional(),
  message: z.string().optional(),
});

export const deviceAnswer = z.object({
  device_code: z.string(),
  /** For people: `XXXX-XXXX`. */
  user_code: z.string(),
  verification_uri: z.string(),
  verification_uri_complete: z.string(),
  /** Seconds. */
  expires_in: z.int(),
  /** Seconds between two polls. */
  interval: z.int(),
});

export const TOKEN_ERRORS = [
  'authorization_pending',
  'slow_down',
  'expired_token',
  'access_denied',
  'invalid_grant',
  'invalid_client',
  'invalid_request',
  'unsupported_grant_type',
] as const;
export type TokenError = (typeof TOKEN_ERRORS)[number];

export const tokenAnswer = z.union([
  z.object({ access_token: z.string(), token_type: z.literal('Bearer'), expires_in: z.int() }),
  z.object({ error: z.enum(TOKEN_ERRORS) }),
]);

export const whoamiAnswer = z.object({
  user: z.string(),
  /** Always empty: no token has one, and the client's `info --json` fails without the field. */
  email: z.literal(''),
  orgs: z.array(
    z.object({
      id: z.uuid(),
      name: z.string(),
      source: z.literal('github'),
      url: z.string(),
      /** Of GitHub, under both of its names; absent where it is not known. */
      orgId: z.int().optional(),
      githubOrgId: z.int().optional(),
    }),
  ),
});

export const submitAnswer = z.object({ ruleId: z.uuid(), status: z.literal('accepted') });
export const iterateAnswer = z.object({ requestId: z.uuid(), status: z.literal('accepted') });

/** Those the client ends or goes on with; it would ask for ever on any other. */
export const TASKLESS_STATUSES = ['accepted', 'classifying', 'building', 'generated', 'failed'] as const;
export type TasklessStatus = (typeof TASKLESS_STATUSES)[number];

export const ruleStatus = z.object({
  ruleId: z.uuid(),
  status: z.enum(TASKLESS_STATUSES),
  error: z.string().optional(),
  rules: z
    .array(
      z.object({
        id: z.string(),
        engine: z.literal('sg'),
        content: z.record(z.string(), z.unknown()),
        tests: z.object({ valid: z.array(z.string()), invalid: z.array(z.string()) }).optional(),
      }),
    )
    .optional(),
  meta: z
    .record(
      z.string(),
      z.object({ ticketId: z.string(), generatedAt: z.string(), schemaVersion: z.string() }),
    )
    .optional(),
  /** Ours; the client ignores it. */
  assay: z
    .object({
      generation: z.string(),
      rule: z.string().nullable(),
      engine: z.string().nullable(),
      bundleSha256: z.string().optional(),
      /** Text of the bundle, and of the proof where there is one. */
      bundle: z.string().optional(),
      proof: z.string().optional(),
    })
    .optional(),
});
export type RuleStatus = z.infer<typeof ruleStatus>;

export const reconcileAnswer = z.object({
  /** What may run, completely. */
  run: z.array(z.object({ ruleId: z.string(), file: z.string(), signature: z.string() })),
  /** A known name with other content. */
  unsafe: z.array(z.object({ file: z.string(), expected: z.string(), got: z.string() })),
  unknown: z.array(z.object({ file: z.string() })),
  /** Delivered and not reported. Advisory. */
  missing: z.array(z.object({ ruleId: z.string(), file: z.string() })),
});
export type Reconciled = z.infer<typeof reconcileAnswer>;

export const vectorsAnswer = z.object({
  vectors: z.array(z.object({ name: z.string(), input: z.string(), signature: z.string() })),
});

export const manifestAnswer = z.object({
  name: z.string(),
  schema: z.string(),
  endpoints: z.array(
    z.object({ method: z.string(), path: z.string(), summary: z.string(), token: z.boolean() }),
  ),
});
