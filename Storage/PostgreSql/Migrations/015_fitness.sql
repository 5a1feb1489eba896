-- What is known of an iPad beyond its version: a command that it would refuse is refused beforehand.
ALTER TABLE devices
    ADD COLUMN is_shared boolean,
    ADD COLUMN is_lost boolean,
    ADD COLUMN access_rights integer;

-- What the server may do on iPads that come by an invitation, as a sum of Apple's numbers. Null: everything.
ALTER TABLE invitations ADD COLUMN access_rights integer;

-- Who would have refused the command of an operation, and did not get it. The bits of unmet are the numbers of the reasons.
ALTER TABLE operations ADD COLUMN left_out bigint NOT NULL DEFAULT 0;
CREATE TABLE operation_reasons (
    operation_id text COLLATE "C" NOT NULL,
    number smallint NOT NULL,
    kind smallint NOT NULL,
    what text NOT NULL,
    value text,
    devices bigint NOT NULL,
    PRIMARY KEY (operation_id, number)
);
CREATE TABLE operation_left_out (
    operation_id text COLLATE "C" NOT NULL,
    enrolment_id text COLLATE "C" NOT NULL,
    unmet bigint NOT NULL,
    PRIMARY KEY (operation_id, enrolment_id)
);

-- The codes that lift Activation Lock, sealed: they outlive the history, since an iPad can be locked long after it told its code.
CREATE TABLE activation_lock_codes (
    device_id text COLLATE "C" NOT NULL PRIMARY KEY,
    code bytea NOT NULL,
    fetched_at timestamptz(3) NOT NULL,
    -- The iPad acknowledged that this code is void; null: it has not.
    cleared_at timestamptz(3)
);
