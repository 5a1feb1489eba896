-- Who did what: records are added, and never changed. The same table as on PostgreSQL.

CREATE TABLE audit (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    actor_kind INTEGER NOT NULL,
    actor_id TEXT,
    actor_name TEXT,
    address TEXT,
    verb TEXT NOT NULL,
    target_kind TEXT,
    target_id TEXT,
    subject TEXT,
    detail TEXT,
    affected INTEGER,
    reason TEXT,
    result INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX audit_by_actor ON audit (actor_id, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_by_target ON audit (target_id, id) WHERE target_id IS NOT NULL;
CREATE INDEX audit_by_verb ON audit (verb, id);

-- A row stands here only within the transaction that drops what is past its retention.
CREATE TABLE audit_retention (
    dropping_before INTEGER NOT NULL
);

CREATE TRIGGER audit_rows_are_not_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'Audit records are never changed.');
END;

CREATE TRIGGER audit_rows_are_kept BEFORE DELETE ON audit
WHEN NOT coalesce(OLD.at < (SELECT max(dropping_before) FROM audit_retention), 0)
BEGIN
    SELECT RAISE(ABORT, 'Audit records are never changed.');
END;
