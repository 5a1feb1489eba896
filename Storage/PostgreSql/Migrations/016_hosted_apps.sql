-- In-house apps that iPads install from here. Their bytes are in the database: every node can serve them, and a backup has them.
CREATE TABLE hosted_apps (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- Part of the address; whoever has it can download the app.
    token text COLLATE "C" NOT NULL,
    bundle_id text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    short_version text,
    minimum_os text,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    part_size integer NOT NULL,
    -- SHA-256 of each part, in hexadecimal, one a line.
    parts text NOT NULL,
    uploaded_at timestamptz(3) NOT NULL,
    uploaded_by text NOT NULL
);
CREATE UNIQUE INDEX hosted_apps_by_token ON hosted_apps (token);
CREATE UNIQUE INDEX hosted_apps_by_content ON hosted_apps (sha256);

-- Pieces of one MiB. They are written before their app; what belongs to no app after a day is dropped.
CREATE TABLE hosted_app_chunks (
    app_id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (app_id, number)
);
ALTER TABLE hosted_app_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

-- Commands that install it, by their body.
CREATE TABLE hosted_app_uses (
    app_id text COLLATE "C" NOT NULL,
    body_hash bytea NOT NULL,
    PRIMARY KEY (app_id, body_hash)
);
