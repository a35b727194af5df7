/**
 * What puts a webhook into the outbox: a statement for the D1 batch that ends its subject, so that either both are
 * there or none. Its id is the subject's under another prefix: there is one end, so there is one webhook. What can end
 * several times needs `-<which end>` behind it.
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

/** What is not delivered by now is not delivered any more. */
export function forgetWebhook(db: D1Database, generationId: string): D1PreparedStatement[] {
  const id = deliveryIdOf(generationId);
  return [
    db.prepare('DELETE FROM delivery_attempts WHERE delivery_id = ?1').bind(id),
    db.prepare('DELETE FROM deliveries WHERE id = ?1').bind(id),
  ];
}

/**
 * The webhook of a batch that has ended and has a callback URL. A batch whose failed items are retried ends again, as
 * another instance's work, and tells again under another id.
 */
export function batchWebhook(db: D1Database, batchId: string): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO deliveries (id, org_id, subject_kind, subject_id, event, url, body, created_at, next_at)
       SELECT ?2 || '-' || b.instance, b.org_id, 'batch', b.id, 'batch.ended', b.callback_url,
         json_object('type', 'batch.ended', 'timestamp', b.ended_at, 'data', json_object(
           'batchId', b.id, 'status', b.status, 'reason', json_object('code', b.reason_code), 'name', b.name, 'mode', b.mode,
           'items', (SELECT json_object('signed', ${countOf('signed')}, 'failed', ${countOf('failed', 'rejected')},
             'errored', ${countOf('errored')}, 'cancelled', ${countOf('cancelled')}, 'underWay', ${countOf('started')})
             FROM batch_items WHERE batch_id = b.id))),
         b.ended_at, b.ended_at
       FROM batches b WHERE b.id = ?1 AND b.ended_at IS NOT NULL AND b.callback_url IS NOT NULL
       ON CONFLICT DO NOTHING`,
    )
    .bind(batchId, deliveryIdOf(batchId));
}

/** The delivery of the end that this instance brought about. */
export function batchDeliveryIdOf({ batchId, instance }: { batchId: string; instance: number }): string {
  return `${deliveryIdOf(batchId)}-${instance}`;
}

function countOf(...statuses: readonly string[]): string {
  return `COUNT(*) FILTER (WHERE status IN (${statuses.map((status) => `'${status}'`).join(', ')}))`;
}
