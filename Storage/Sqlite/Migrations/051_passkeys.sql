-- What people sign in with in the place of a password and a code (WebAuthn). The key is public: nothing here lets anybody in.
CREATE TABLE account_passkeys (
    credential_id BLOB NOT NULL PRIMARY KEY,
    -- Of the passkey, for addresses of pages.
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- COSE.
    public_key BLOB NOT NULL,
    -- As the authenticator counts; many always say 0.
    sign_count INTEGER NOT NULL,
    -- JSON: a list.
    transports TEXT NOT NULL,
    -- It may be copied to other devices of its owner; and has been.
    may_be_copied INTEGER NOT NULL,
    is_copied INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
) WITHOUT ROWID;

CREATE UNIQUE INDEX account_passkeys_by_id ON account_passkeys (id);
CREATE INDEX account_passkeys_by_account ON account_passkeys (account_id);

-- Each challenge signs somebody in once. Rows are dropped when no page may use their challenge any more.
CREATE TABLE passkey_challenges (
    challenge_sha256 BLOB NOT NULL PRIMARY KEY,
    used_at INTEGER NOT NULL
) WITHOUT ROWID;
