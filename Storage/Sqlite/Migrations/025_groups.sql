-- Groups of iPads: by hand, or by a rule in the words of the filter. A rule is looked at when somebody asks: nothing is kept that could grow old.
CREATE TABLE device_groups (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Lower case, made by the program: a filter finds the group by it, and the list is in its order.
    name_key TEXT NOT NULL,
    -- Only iPads of this school are in it.
    school_id TEXT,
    note TEXT,
    -- Null: its iPads are chosen by hand.
    rule TEXT,
    -- The name_key of each group that the rule names, between line feeds.
    uses TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL
);

CREATE UNIQUE INDEX device_groups_by_name ON device_groups (name_key);
CREATE INDEX device_groups_by_school ON device_groups (school_id) WHERE school_id IS NOT NULL;

CREATE TABLE device_group_members (
    group_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, device_id)
) WITHOUT ROWID;

CREATE INDEX device_group_members_by_device ON device_group_members (device_id);
