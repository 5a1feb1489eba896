-- Where the iPad of a certificate reaches this server, as its enrolment profile said: a renewed profile must say the same. Null: issued
-- before this was kept.
ALTER TABLE issued_certificates ADD COLUMN authority TEXT;

-- Identity certificates in the order in which they end.
CREATE INDEX pins_by_end ON pins (not_after, sha256) WHERE dropped_at IS NULL;

-- Identity certificates that end soon: how far their renewal has come. A row goes when the iPad speaks with the renewed one.
CREATE TABLE renewals (
    device_id TEXT NOT NULL PRIMARY KEY,
    sha256 BLOB NOT NULL,
    not_after INTEGER NOT NULL,
    -- When the server looks at it next.
    next_at INTEGER NOT NULL,
    command_uuid TEXT,
    started_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    problem INTEGER NOT NULL DEFAULT 0,
    detail TEXT
) WITHOUT ROWID;

CREATE INDEX renewals_due ON renewals (next_at);
CREATE INDEX renewals_started ON renewals (started_at) WHERE started_at IS NOT NULL;
CREATE INDEX renewals_by_end ON renewals (not_after, device_id);
CREATE INDEX renewals_with_problem ON renewals (not_after, device_id) WHERE problem <> 0;
