-- Erasures after which iPads return by themselves. Each is an operation, whose id it has; which iPads are in it is written down when it is made.
CREATE TABLE returns (
    operation_id TEXT NOT NULL PRIMARY KEY,
    command_uuid TEXT NOT NULL,
    -- The Wi-Fi that iPads get: a profile of the library, and how it was called.
    wifi_profile_id TEXT NOT NULL,
    wifi_name TEXT NOT NULL,
    -- How long an iPad may take, in hours.
    hours INTEGER NOT NULL,
    keep_apps INTEGER NOT NULL,
    -- By which its iPads enrol again; nobody opens it by a link.
    invitation_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Nobody waits for those any more that have not come back.
    closed_at INTEGER,
    closed_by TEXT
);

CREATE UNIQUE INDEX returns_by_command ON returns (command_uuid);
CREATE INDEX returns_by_time ON returns (created_at, operation_id);

CREATE TABLE return_devices (
    operation_id TEXT NOT NULL,
    enrolment_id TEXT NOT NULL,
    -- As they stood when it was made.
    school TEXT,
    device_name TEXT,
    -- When the command left for the iPad, and the iPad did not refuse it.
    handed_at INTEGER,
    -- When the iPad acknowledged that it erases itself.
    erased_at INTEGER,
    -- When it is looked for, unless it is back.
    due_at INTEGER,
    -- When it was enrolled again.
    returned_at INTEGER,
    -- By what it enrolled: the profile that it was given, Automated Device Enrolment, or something else.
    returned_by INTEGER,
    PRIMARY KEY (operation_id, enrolment_id)
) WITHOUT ROWID;

-- Of an iPad that enrols; of those that are looked for.
CREATE INDEX return_devices_away ON return_devices (enrolment_id) WHERE handed_at IS NOT NULL AND returned_at IS NULL;
CREATE INDEX return_devices_due ON return_devices (due_at) WHERE due_at IS NOT NULL AND returned_at IS NULL;

-- How an iPad returns that asks for it itself; no row: it does not. One row at most.
CREATE TABLE return_answer (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    wifi_profile_id TEXT NOT NULL,
    keep_apps INTEGER NOT NULL,
    preserve_data_plan INTEGER NOT NULL,
    invitation_id TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

-- The iPads that are lost, of which there are few.
CREATE INDEX devices_lost ON devices (id) WHERE is_lost;
