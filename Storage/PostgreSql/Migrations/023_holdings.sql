-- Who has an iPad, from when to when. One without an end is who has it now. The person may be forgotten: then the id stays alone.
CREATE TABLE holdings (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    device_id text COLLATE "C" NOT NULL,
    person_id text COLLATE "C" NOT NULL,
    -- The last day of a loan, as 2027-06-11; null: for good.
    due_on text COLLATE "C",
    given_at timestamptz(3) NOT NULL,
    given_by text NOT NULL,
    returned_at timestamptz(3),
    returned_by text
);

CREATE UNIQUE INDEX holdings_now ON holdings (device_id) WHERE returned_at IS NULL;
CREATE INDEX holdings_by_device ON holdings (device_id, given_at, id);
CREATE INDEX holdings_by_person ON holdings (person_id, given_at, id);
CREATE INDEX holdings_due ON holdings (due_on, id) WHERE returned_at IS NULL AND due_on IS NOT NULL;

CREATE INDEX placeholders_by_tag ON placeholders (asset_tag) WHERE asset_tag IS NOT NULL;
