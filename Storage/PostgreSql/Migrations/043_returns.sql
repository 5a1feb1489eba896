-- Erasures after which iPads return by themselves. Each is an operation, whose id it has; which iPads are in it is written down when it is made.
CREATE TABLE returns (
    operation_id text COLLATE "C" NOT NULL PRIMARY KEY,
    command_uuid text COLLATE "C" NOT NULL,
    -- The Wi-Fi that iPads get: a profile of the library, and how it was called.
    wifi_profile_id text COLLATE "C" NOT NULL,
    wifi_name text NOT NULL,
    -- How long an iPad may take, in hours.
    hours integer NOT NULL,
    keep_apps boolean NOT NULL,
    -- By which its iPads enrol again; nobody opens it by a link.
    invitation_id text COLLATE "C" NOT NULL,
    created_at timestamptz(3) NOT NULL,
    -- Nobody waits for those any more that have not come back.
    closed_at timestamptz(3),
    closed_by text
);

CREATE UNIQUE INDEX returns_by_command ON returns (command_uuid);
CREATE INDEX returns_by_time ON returns (created_at, operation_id);

CREATE TABLE return_devices (
    operation_id text COLLATE "C" NOT NULL,
    enrolment_id text COLLATE "C" NOT NULL,
    -- As they stood when it was made.
    school text COLLATE "C",
    device_name text,
    -- When the command left for the iPad, and the iPad did not refuse it.
    handed_at timestamptz(3),
    -- When the iPad acknowledged that it erases itself.
    erased_at timestamptz(3),
    -- When it is looked for, unless it is back.
    due_at timestamptz(3),
    -- When it was enrolled again.
    returned_at timestamptz(3),
    -- By what it enrolled: the profile that it was given, Automated Device Enrolment, or something else.
    returned_by smallint,
    PRIMARY KEY (operation_id, enrolment_id)
);

-- Of an iPad that enrols; of those that are looked for.
CREATE INDEX return_devices_away ON return_devices (enrolment_id) WHERE handed_at IS NOT NULL AND returned_at IS NULL;
CREATE INDEX return_devices_due ON return_devices (due_at) WHERE due_at IS NOT NULL AND returned_at IS NULL;

-- How an iPad returns that asks for it itself; no row: it does not. One row at most.
CREATE TABLE return_answer (
    id integer NOT NULL PRIMARY KEY CHECK (id = 1),
    version integer NOT NULL,
    wifi_profile_id text COLLATE "C" NOT NULL,
    keep_apps boolean NOT NULL,
    preserve_data_plan boolean NOT NULL,
    invitation_id text COLLATE "C" NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

-- The iPads that are lost, of which there are few.
CREATE INDEX devices_lost ON devices (id) WHERE is_lost;
