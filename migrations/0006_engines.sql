-- Which engine a generation's rule is for, decided by the step `classify`; NULL until then.

ALTER TABLE generations ADD COLUMN engine TEXT CHECK (engine IN ('runtime', 'sg'));
ALTER TABLE generations ADD COLUMN engine_reason TEXT;

-- Until now there was no other engine.
UPDATE generations SET engine = 'runtime';

ALTER TABLE rules ADD COLUMN engine TEXT NOT NULL DEFAULT 'runtime' CHECK (engine IN ('runtime', 'sg'));
