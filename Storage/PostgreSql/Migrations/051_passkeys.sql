-- What people sign in with in the place of a password and a code (WebAuthn). The key is public: nothing here lets anybody in.
CREATE TABLE account_passkeys (
    credential_id bytea NOT NULL PRIMARY KEY,
    -- Of the passkey, for addresses of pages.
    id text COLLATE "C" NOT NULL,
    account_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    -- COSE.
    public_key bytea NOT NULL,
    -- As the authenticator counts; many always say 0.
    sign_count bigint NOT NULL,
    -- JSON: a list.
    transports text NOT NULL,
    -- It may be copied to other devices of its owner; and has been.
    may_be_copied boolean NOT NULL,
    is_copied boolean NOT NULL,
    created_at timestamptz(3) NOT NULL,
    used_at timestamptz(3)
);

CREATE UNIQUE INDEX account_passkeys_by_id ON account_passkeys (id);
CREATE INDEX account_passkeys_by_account ON account_passkeys (account_id);

-- Each challenge signs somebody in once. Rows are dropped when no page may use their challenge any more.
CREATE TABLE passkey_challenges (
    challenge_sha256 bytea NOT NULL PRIMARY KEY,
    used_at timestamptz(3) NOT NULL
);
