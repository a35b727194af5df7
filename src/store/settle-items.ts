/** The one statement that brings items to the end their generations have come to. */

/** Of a batch: each started item whose generation has ended takes its end and what it cost, once. */
export function settleStatement(db: D1Database, batchId: string): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE batch_items SET status = g.status, reason_code = g.reason_code, reason_message = g.reason_message, ended_at = g.ended_at,
         cost_usd = batch_items.cost_usd + (SELECT COALESCE(SUM(cost_usd), 0) FROM spend WHERE generation_id = g.id),
         unpriced_calls = batch_items.unpriced_calls
           + (SELECT COUNT(*) FROM spend WHERE generation_id = g.id AND settled_at IS NOT NULL AND cost_usd IS NULL)
       FROM generations g
       WHERE batch_items.batch_id = ?1 AND batch_items.status = 'started' AND g.id = batch_items.generation_id
         AND g.ended_at IS NOT NULL`,
    )
    .bind(batchId);
}
