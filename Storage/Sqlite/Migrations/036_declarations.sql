-- Sets of declarations, each once, by the token that stands for it: many iPads share one.
CREATE TABLE declaration_sets (
    token TEXT NOT NULL PRIMARY KEY,
    -- Sealed.
    content BLOB NOT NULL,
    -- To the day: one that no iPad has or should have is forgotten some days after this.
    used_at INTEGER NOT NULL
);

-- Which set each iPad should have, which it was told of, and what it has said of itself by status reports.
CREATE TABLE declaration_devices (
    device_id TEXT NOT NULL PRIMARY KEY,
    -- One more with each write.
    version INTEGER NOT NULL,
    -- The enrolment that this is of: what an earlier one had is not there any more.
    enrolled_at INTEGER NOT NULL,
    wanted TEXT NOT NULL,
    wanted_at INTEGER NOT NULL,
    -- The set that the iPad has fetched the list of.
    fetched TEXT,
    fetched_at INTEGER,
    -- The set for which it was last sent a command, and which command.
    asked TEXT,
    asked_at INTEGER,
    command_uuid TEXT,
    -- Of the last report that changed something.
    report_hash BLOB,
    reported_at INTEGER,
    -- JSON: all that it has said.
    status TEXT
);

CREATE INDEX declaration_devices_by_wanted ON declaration_devices (wanted);
CREATE INDEX declaration_devices_by_fetched ON declaration_devices (fetched) WHERE fetched IS NOT NULL;
