-- The iPad that proved by its device certificate who it is, before it got this certificate.
ALTER TABLE issued_certificates ADD COLUMN proven_udid TEXT;
ALTER TABLE issued_certificates ADD COLUMN proven_serial_number TEXT;

-- Signed answers of iPads that were taken: a second one with the same challenge is worth nothing.
CREATE TABLE spent_answers (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX spent_answers_by_end ON spent_answers (expires_at);

-- iPads that are known by their serial number before they enrol, and what they get then.
CREATE TABLE placeholders (
    serial_number TEXT NOT NULL PRIMARY KEY,
    name TEXT,
    school TEXT,
    asset_tag TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) WITHOUT ROWID;
