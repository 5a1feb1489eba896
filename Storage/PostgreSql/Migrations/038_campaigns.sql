-- The end of a year: iPads that come back. Which they are, and who had them, is written down when the campaign is made.
CREATE TABLE campaigns (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    version integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Only iPads of this school; null: of the whole district.
    school_id text COLLATE "C",
    -- In the words of the filter; null: only those of classes.
    target text COLLATE "C",
    -- The ids of classes, in JSON; null: none.
    class_ids text,
    -- The last day on which they come back, as 2027-06-11; null: nobody said.
    due_on text COLLATE "C",
    created_at timestamptz(3) NOT NULL,
    created_by text NOT NULL,
    closed_at timestamptz(3),
    closed_by text
);

CREATE INDEX campaigns_by_time ON campaigns (created_at, id);
CREATE INDEX campaigns_open ON campaigns (id) WHERE closed_at IS NULL;

CREATE TABLE campaign_devices (
    campaign_id text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    -- As they stood when the campaign was made.
    serial_number text COLLATE "C",
    device_name text,
    school text COLLATE "C",
    person_id text COLLATE "C",
    -- When somebody had it in the hands; null: it has not come back.
    collected_at timestamptz(3),
    collected_by text,
    -- The holding that ended with it.
    holding_id text COLLATE "C",
    PRIMARY KEY (campaign_id, device_id)
);

CREATE INDEX campaign_devices_by_device ON campaign_devices (device_id);
CREATE INDEX campaign_devices_by_serial ON campaign_devices (campaign_id, serial_number);

-- Which iPads of a campaign were erased, without their whole history.
CREATE INDEX history_erasures ON history (enrolment_id, finished_at) WHERE request_type = 'EraseDevice' AND ending = 1;
