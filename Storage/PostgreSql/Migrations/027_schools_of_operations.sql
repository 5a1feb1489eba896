-- The schools that an operation was started for, as a JSON array of their ids. Null: the whole district.
ALTER TABLE operations ADD COLUMN schools text;
