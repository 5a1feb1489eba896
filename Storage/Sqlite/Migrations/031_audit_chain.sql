-- Audit records are signed when they are written, and stand in a chain. The same tables as on PostgreSQL.

ALTER TABLE audit ADD COLUMN used_right TEXT;
ALTER TABLE audit ADD COLUMN mac BLOB;

CREATE TABLE audit_unsealed (
    id BLOB NOT NULL PRIMARY KEY
) WITHOUT ROWID;

INSERT INTO audit_unsealed (id) SELECT id FROM audit;

CREATE TRIGGER audit_rows_await_their_seal AFTER INSERT ON audit
BEGIN
    INSERT INTO audit_unsealed (id) VALUES (NEW.id) ON CONFLICT (id) DO NOTHING;
END;

CREATE TABLE audit_chain (
    seq INTEGER NOT NULL PRIMARY KEY,
    id BLOB NOT NULL,
    standing INTEGER NOT NULL,
    hash BLOB NOT NULL
);

CREATE UNIQUE INDEX audit_chain_by_record ON audit_chain (id);

CREATE TABLE audit_chain_ends (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    start_seq INTEGER NOT NULL,
    start_hash BLOB NOT NULL,
    head_seq INTEGER NOT NULL,
    head_hash BLOB NOT NULL,
    mac BLOB NOT NULL
);
