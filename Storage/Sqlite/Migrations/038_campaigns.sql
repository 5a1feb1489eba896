-- The end of a year: iPads that come back. Which they are, and who had them, is written down when the campaign is made.
CREATE TABLE campaigns (
    id TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Only iPads of this school; null: of the whole district.
    school_id TEXT,
    -- In the words of the filter; null: only those of classes.
    target TEXT,
    -- The ids of classes, in JSON; null: none.
    class_ids TEXT,
    -- The last day on which they come back, as 2027-06-11; null: nobody said.
    due_on TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    closed_at INTEGER,
    closed_by TEXT
);

CREATE INDEX campaigns_by_time ON campaigns (created_at, id);
CREATE INDEX campaigns_open ON campaigns (id) WHERE closed_at IS NULL;

CREATE TABLE campaign_devices (
    campaign_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    -- As they stood when the campaign was made.
    serial_number TEXT,
    device_name TEXT,
    school TEXT,
    person_id TEXT,
    -- When somebody had it in the hands; null: it has not come back.
    collected_at INTEGER,
    collected_by TEXT,
    -- The holding that ended with it.
    holding_id TEXT,
    PRIMARY KEY (campaign_id, device_id)
) WITHOUT ROWID;

CREATE INDEX campaign_devices_by_device ON campaign_devices (device_id);
CREATE INDEX campaign_devices_by_serial ON campaign_devices (campaign_id, serial_number);

-- Which iPads of a campaign were erased, without their whole history.
CREATE INDEX history_erasures ON history (enrolment_id, finished_at) WHERE request_type = 'EraseDevice' AND ending = 1;
