-- People who sign in to the console, and the sessions of their browsers.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    -- One more with each change by an administrator.
    version INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    -- Lower case, made by the program: one signs in by it, and the list is in its order.
    user_name_key TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Lower case, made by the program: what the search looks into.
    search TEXT NOT NULL,
    role TEXT NOT NULL,
    -- A JSON array of ids. Null: the whole district.
    schools TEXT,
    disabled INTEGER NOT NULL,
    person_id TEXT,
    -- Changes with whatever ends sessions.
    stamp TEXT NOT NULL,
    -- Null: nobody can sign in with a password.
    password_hash TEXT,
    password_at INTEGER,
    -- Sealed. Null: no second step.
    totp_secret BLOB,
    totp_at INTEGER,
    -- The newest code that was taken: none is taken twice.
    totp_step INTEGER,
    -- SHA-256 of the link that sets a password.
    link_sha256 BLOB,
    link_until INTEGER,
    -- Wrong passwords since the last sign-in, and wrong codes; no code is taken before codes_after.
    failures INTEGER NOT NULL,
    code_failures INTEGER NOT NULL,
    codes_after INTEGER,
    last_sign_in_at INTEGER,
    -- Of the district's own sign-in (OpenID Connect).
    issuer TEXT,
    subject TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX accounts_by_user_name ON accounts (user_name_key);
CREATE UNIQUE INDEX accounts_by_subject ON accounts (issuer, subject) WHERE subject IS NOT NULL;
CREATE UNIQUE INDEX accounts_by_link ON accounts (link_sha256) WHERE link_sha256 IS NOT NULL;
CREATE INDEX accounts_by_role ON accounts (role);

CREATE TABLE account_recovery_codes (
    account_id TEXT NOT NULL,
    code_sha256 BLOB NOT NULL,
    PRIMARY KEY (account_id, code_sha256)
) WITHOUT ROWID;

CREATE TABLE account_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    -- SHA-256 of what the browser's cookie holds.
    secret_sha256 BLOB NOT NULL,
    -- Of the account, when it was begun: with another one it has ended.
    stamp TEXT NOT NULL,
    way TEXT NOT NULL,
    address TEXT,
    browser TEXT,
    begun_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
);

CREATE UNIQUE INDEX account_sessions_by_secret ON account_sessions (secret_sha256);
CREATE INDEX account_sessions_by_account ON account_sessions (account_id, begun_at);
CREATE INDEX account_sessions_by_end ON account_sessions (ends_at);

-- Links that were given, also those that were used or ended, and those of accounts that are gone: a request that comes once more gives none anew.
CREATE TABLE account_links (
    link_sha256 BLOB NOT NULL PRIMARY KEY,
    made_at INTEGER NOT NULL
) WITHOUT ROWID;
