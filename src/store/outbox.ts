/**
 * What puts a webhook into the outbox: a statement for the D1 batch that ends its subject, so that either both are
 * there or none. Its id is the subject's under another prefix: there is one end, so there is one webhook.
 */

/** The `dlv-…` of a `gen-…`, or of another subject whose end is told. */
export function deliveryIdOf(subjectId: string): string {
  return subjectId.replace(/^[^-]*-/, 'dlv-');
}

/**
 * The webhook of a generation that has ended and has a callback URL; nothing else, and nothing twice. Goes after
 * the statements that end it: its body is made of the rows as they are then, and never again.
 *
 * The reason's message and the prompt stay out, because they may quote what a request or a model said.
 */
export function generationWebhook(db: D1Database, generationId: string): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO deliveries (id, org_id, subject_kind, subject_id, event, url, body, created_at, next_at)
       SELECT ?2, g.org_id, 'generation', g.id, 'generation.' || g.status, g.callback_url,
         json_object('type', 'generation.' || g.status, 'timestamp', g.ended_at, 'data', json_object(
           'generationId', g.id, 'status', g.status, 'reason', json_object('code', g.reason_code), 'name', g.name,
           'ruleId', g.rule_id, 'bundleSha256', r.bundle_sha256, 'retryOf', g.retry_of, 'batchId', g.batch_id)),
         g.ended_at, g.ended_at
       FROM generations g LEFT JOIN rules r ON r.id = g.rule_id
       WHERE g.id = ?1 AND g.ended_at IS NOT NULL AND g.callback_url IS NOT NULL
       ON CONFLICT DO NOTHING`,
    )
    .bind(generationId, deliveryIdOf(generationId));
}
