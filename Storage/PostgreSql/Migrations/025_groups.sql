-- Groups of iPads: by hand, or by a rule in the words of the filter. A rule is looked at when somebody asks: nothing is kept that could grow old.
CREATE TABLE device_groups (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Lower case, made by the program: a filter finds the group by it, and the list is in its order.
    name_key text COLLATE "C" NOT NULL,
    -- Only iPads of this school are in it.
    school_id text COLLATE "C",
    note text,
    -- Null: its iPads are chosen by hand.
    rule text COLLATE "C",
    -- The name_key of each group that the rule names, between line feeds.
    uses text COLLATE "C" NOT NULL,
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    updated_by text NOT NULL
);

CREATE UNIQUE INDEX device_groups_by_name ON device_groups (name_key);
CREATE INDEX device_groups_by_school ON device_groups (school_id) WHERE school_id IS NOT NULL;

CREATE TABLE device_group_members (
    group_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    added_at timestamptz(3) NOT NULL,
    PRIMARY KEY (group_id, device_id)
);

CREATE INDEX device_group_members_by_device ON device_group_members (device_id);
