-- In-house apps that iPads install from here. Their bytes are in the database: every node can serve them, and a backup has them.
CREATE TABLE hosted_apps (
    id TEXT NOT NULL PRIMARY KEY,
    -- Part of the address; whoever has it can download the app.
    token TEXT NOT NULL,
    bundle_id TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    short_version TEXT,
    minimum_os TEXT,
    size INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    part_size INTEGER NOT NULL,
    -- SHA-256 of each part, in hexadecimal, one a line.
    parts TEXT NOT NULL,
    uploaded_at INTEGER NOT NULL,
    uploaded_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX hosted_apps_by_token ON hosted_apps (token);
CREATE UNIQUE INDEX hosted_apps_by_content ON hosted_apps (sha256);

-- Pieces of one MiB. They are written before their app; what belongs to no app after a day is dropped.
CREATE TABLE hosted_app_chunks (
    app_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (app_id, number)
);

-- Commands that install it, by their body.
CREATE TABLE hosted_app_uses (
    app_id TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    PRIMARY KEY (app_id, body_hash)
) WITHOUT ROWID;
