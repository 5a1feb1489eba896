-- How an assignment comes to its iPads, where it does not come to all at once: as an operation begins, in JSON. Null: at once.
ALTER TABLE assignments ADD COLUMN roll_out text;
-- 1: it goes on, 2: it has stopped by itself, 3: all have it, or get it at once.
ALTER TABLE assignments ADD COLUMN roll_out_phase smallint;
-- The present wave; 0: none has begun.
ALTER TABLE assignments ADD COLUMN roll_out_wave integer NOT NULL DEFAULT 0;
-- Up to this wave somebody has accepted the failures.
ALTER TABLE assignments ADD COLUMN roll_out_excused integer NOT NULL DEFAULT 0;
-- How many iPads lacked it when the first wave began.
ALTER TABLE assignments ADD COLUMN roll_out_total bigint NOT NULL DEFAULT 0;
-- So many iPads of waves may have it now; null: all that the target finds.
ALTER TABLE assignments ADD COLUMN roll_out_limit bigint;
-- When the present wave began.
ALTER TABLE assignments ADD COLUMN roll_out_wave_at timestamptz(3);
ALTER TABLE assignments ADD COLUMN roll_out_stop_reason text;

CREATE INDEX assignments_rolling_out ON assignments (roll_out_phase, id) WHERE roll_out_phase < 3;

-- With which wave of the roll-out the iPad was reached; null: with none.
ALTER TABLE assignment_devices ADD COLUMN wave integer;
