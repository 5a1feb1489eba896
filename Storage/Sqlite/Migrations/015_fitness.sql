-- What is known of an iPad beyond its version: a command that it would refuse is refused beforehand.
ALTER TABLE devices ADD COLUMN is_shared INTEGER;
ALTER TABLE devices ADD COLUMN is_lost INTEGER;
ALTER TABLE devices ADD COLUMN access_rights INTEGER;

-- What the server may do on iPads that come by an invitation, as a sum of Apple's numbers. Null: everything.
ALTER TABLE invitations ADD COLUMN access_rights INTEGER;

-- Who would have refused the command of an operation, and did not get it. The bits of unmet are the numbers of the reasons.
ALTER TABLE operations ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
CREATE TABLE operation_reasons (
    operation_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    what TEXT NOT NULL,
    value TEXT,
    devices INTEGER NOT NULL,
    PRIMARY KEY (operation_id, number)
) WITHOUT ROWID;
CREATE TABLE operation_left_out (
    operation_id TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    unmet INTEGER NOT NULL,
    PRIMARY KEY (operation_id, enrolment_id)
) WITHOUT ROWID;

-- The codes that lift Activation Lock, sealed: they outlive the history, since an iPad can be locked long after it told its code.
CREATE TABLE activation_lock_codes (
    device_id TEXT NOT NULL PRIMARY KEY,
    code BLOB NOT NULL,
    fetched_at INTEGER NOT NULL,
    -- The iPad acknowledged that this code is void; null: it has not.
    cleared_at INTEGER
) WITHOUT ROWID;
