-- Where the end of a batch is told.

ALTER TABLE batches ADD COLUMN callback_url TEXT;
