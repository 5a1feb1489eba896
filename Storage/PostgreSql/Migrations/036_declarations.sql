-- Sets of declarations, each once, by the token that stands for it: many iPads share one.
CREATE TABLE declaration_sets (
    token text COLLATE "C" NOT NULL PRIMARY KEY,
    -- Sealed.
    content bytea NOT NULL,
    -- To the day: one that no iPad has or should have is forgotten some days after this.
    used_at timestamptz(3) NOT NULL
);

-- Which set each iPad should have, which it was told of, and what it has said of itself by status reports.
CREATE TABLE declaration_devices (
    device_id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- One more with each write.
    version bigint NOT NULL,
    -- The enrolment that this is of: what an earlier one had is not there any more.
    enrolled_at timestamptz(3) NOT NULL,
    wanted text COLLATE "C" NOT NULL,
    wanted_at timestamptz(3) NOT NULL,
    -- The set that the iPad has fetched the list of.
    fetched text COLLATE "C",
    fetched_at timestamptz(3),
    -- The set for which it was last sent a command, and which command.
    asked text COLLATE "C",
    asked_at timestamptz(3),
    command_uuid text COLLATE "C",
    -- Of the last report that changed something.
    report_hash bytea,
    reported_at timestamptz(3),
    -- JSON: all that it has said.
    status text
) WITH (fillfactor = 70);

CREATE INDEX declaration_devices_by_wanted ON declaration_devices (wanted);
CREATE INDEX declaration_devices_by_fetched ON declaration_devices (fetched) WHERE fetched IS NOT NULL;
