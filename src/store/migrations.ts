/** The last file of `migrations/` that this code was written for; a test says when it is not the last. */
export const LAST_MIGRATION = '0009_batch_webhooks.sql';
