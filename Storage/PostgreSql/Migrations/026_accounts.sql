-- People who sign in to the console, and the sessions of their browsers.
CREATE TABLE accounts (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- One more with each change by an administrator.
    version integer NOT NULL,
    user_name text COLLATE "C" NOT NULL,
    -- Lower case, made by the program: one signs in by it, and the list is in its order.
    user_name_key text COLLATE "C" NOT NULL,
    name text NOT NULL,
    -- Lower case, made by the program: what the search looks into.
    search text NOT NULL,
    role text COLLATE "C" NOT NULL,
    -- A JSON array of ids. Null: the whole district.
    schools text COLLATE "C",
    disabled boolean NOT NULL,
    person_id text COLLATE "C",
    -- Changes with whatever ends sessions.
    stamp text COLLATE "C" NOT NULL,
    -- Null: nobody can sign in with a password.
    password_hash text COLLATE "C",
    password_at timestamptz(3),
    -- Sealed. Null: no second step.
    totp_secret bytea,
    totp_at timestamptz(3),
    -- The newest code that was taken: none is taken twice.
    totp_step bigint,
    -- SHA-256 of the link that sets a password.
    link_sha256 bytea,
    link_until timestamptz(3),
    -- Wrong passwords since the last sign-in, and wrong codes; no code is taken before codes_after.
    failures integer NOT NULL,
    code_failures integer NOT NULL,
    codes_after timestamptz(3),
    last_sign_in_at timestamptz(3),
    -- Of the district's own sign-in (OpenID Connect).
    issuer text COLLATE "C",
    subject text COLLATE "C",
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE UNIQUE INDEX accounts_by_user_name ON accounts (user_name_key);
CREATE UNIQUE INDEX accounts_by_subject ON accounts (issuer, subject) WHERE subject IS NOT NULL;
CREATE UNIQUE INDEX accounts_by_link ON accounts (link_sha256) WHERE link_sha256 IS NOT NULL;
CREATE INDEX accounts_by_role ON accounts (role);

CREATE TABLE account_recovery_codes (
    account_id text COLLATE "C" NOT NULL,
    code_sha256 bytea NOT NULL,
    PRIMARY KEY (account_id, code_sha256)
);

CREATE TABLE account_sessions (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL,
    -- SHA-256 of what the browser's cookie holds.
    secret_sha256 bytea NOT NULL,
    -- Of the account, when it was begun: with another one it has ended.
    stamp text COLLATE "C" NOT NULL,
    way text COLLATE "C" NOT NULL,
    address text,
    browser text,
    begun_at timestamptz(3) NOT NULL,
    seen_at timestamptz(3) NOT NULL,
    ends_at timestamptz(3) NOT NULL
);

CREATE UNIQUE INDEX account_sessions_by_secret ON account_sessions (secret_sha256);
CREATE INDEX account_sessions_by_account ON account_sessions (account_id, begun_at);
CREATE INDEX account_sessions_by_end ON account_sessions (ends_at);

-- Links that were given, also those that were used or ended, and those of accounts that are gone: a request that comes once more gives none anew.
CREATE TABLE account_links (
    link_sha256 bytea NOT NULL PRIMARY KEY,
    made_at timestamptz(3) NOT NULL
);
