-- A certificate belongs to one enrolment, for good: a pin that no longer speaks is kept, so that its certificate, and what descends from
-- it, is known under every id.
ALTER TABLE pins ADD COLUMN dropped_at timestamptz(3);

ALTER TABLE devices ADD COLUMN erase_sent_at timestamptz(3);

-- Enrolments that ended and still hold escrowed tokens: these are forgotten after a while.
CREATE INDEX devices_ended_escrow ON devices (unenrolled_at)
WHERE status IN (3, 4, 5) AND (unlock_token IS NOT NULL OR bootstrap_token IS NOT NULL);

-- A grant is spent when the iPad has enrolled since; it is written for many iPads at once, outside of their version.
ALTER TABLE device_activity ADD COLUMN reenrolment_granted_at timestamptz(3);
ALTER TABLE device_activity ADD COLUMN reenrolment_until timestamptz(3);

ALTER TABLE invitations ADD COLUMN allow_reenrolment boolean NOT NULL DEFAULT false;
-- Serial numbers and UDIDs, one a line; null: for any iPad.
ALTER TABLE invitations ADD COLUMN only_for text;
ALTER TABLE invitations ADD COLUMN certificates_withdrawn_at timestamptz(3);

ALTER TABLE issued_certificates ADD COLUMN public_key_hash bytea;
CREATE INDEX issued_certificates_by_renewed ON issued_certificates (renews) WHERE renews IS NOT NULL;

-- "Another device says that it is this iPad": one claim an id, to be decided by a person.
CREATE TABLE claims (
    device_id text COLLATE "C" NOT NULL PRIMARY KEY,
    claim_id uuid NOT NULL,
    sha256 bytea NOT NULL,
    invitation_id text COLLATE "C",
    serial_number text,
    product_name text,
    device_name text,
    address text,
    first_at timestamptz(3) NOT NULL,
    last_at timestamptz(3) NOT NULL,
    attempts bigint NOT NULL,
    decision smallint NOT NULL,
    decided_at timestamptz(3),
    decided_by text,
    allowed_until timestamptz(3)
);

CREATE INDEX claims_open ON claims (last_at) WHERE decision = 0;
-- One certificate claims one id.
CREATE UNIQUE INDEX claims_by_certificate ON claims (sha256);

-- Keys that were replaced before pins were kept.
INSERT INTO pins (sha256, device_id, not_after, pinned_at, dropped_at)
SELECT DISTINCT ON (old.sha256) old.sha256, p.device_id, old.not_after, old.issued_at, now()
FROM issued_certificates new
JOIN pins p ON p.sha256 = new.sha256
JOIN issued_certificates old ON old.sha256 = new.renews
ON CONFLICT (sha256) DO NOTHING;

-- A renewal carries the invitation of what it renews.
WITH RECURSIVE line AS (
  SELECT sha256, invitation_id FROM issued_certificates WHERE invitation_id IS NOT NULL
  UNION
  SELECT c.sha256, l.invitation_id FROM line l JOIN issued_certificates c ON c.renews = l.sha256 WHERE c.invitation_id IS NULL)
UPDATE issued_certificates c SET invitation_id = l.invitation_id FROM line l WHERE c.sha256 = l.sha256 AND c.invitation_id IS NULL;

-- One spelling of an id: 40 hexadecimal digits in lower case as Apple writes them, all others in upper case, of A-Z 0-9 . _ - only. What
-- is spelled otherwise (no iPad of Apple's does) is renamed; where two spellings meet, the one that lives and enrolled last keeps the id.
CREATE TEMPORARY TABLE spelled ON COMMIT DROP AS
SELECT d.id AS old,
  CASE WHEN d.id ~ '^[0-9A-Fa-f]{40}$' THEN lower(d.id)
       WHEN d.id ~ '^[0-9A-Za-z._-]{1,64}$' AND d.id !~ '^[.]+$' THEN upper(d.id) END AS new,
  row_number() OVER (
    PARTITION BY CASE WHEN d.id ~ '^[0-9A-Fa-f]{40}$' THEN lower(d.id)
                      WHEN d.id ~ '^[0-9A-Za-z._-]{1,64}$' AND d.id !~ '^[.]+$' THEN upper(d.id) END
    ORDER BY d.status IN (1, 2) DESC, d.enrolled_at DESC NULLS LAST, d.id) AS place,
  row_number() OVER (ORDER BY d.id) AS number
FROM devices d WHERE d.id = d.device_id;

CREATE TEMPORARY TABLE renamed ON COMMIT DROP AS
SELECT old, CASE WHEN new IS NULL OR place > 1 THEN 'OTHER-SPELLING-' || number ELSE new END AS new, new IS NULL OR place > 1 AS ended
FROM spelled WHERE new IS NULL OR place > 1 OR old <> new;

-- The short name of a user travels encoded.
CREATE TEMPORARY TABLE renamed_users ON COMMIT DROP AS
SELECT d.id AS old, coalesce(r.new, d.device_id) AS device,
  coalesce(r.new, d.device_id) || ':' || replace(replace(replace(replace(replace(replace(replace(substr(d.id, length(d.device_id) + 2),
    '%', '%25'), '/', '%2F'), '\', '%5C'), '?', '%3F'), '#', '%23'), ' ', '%20'), ':', '%3A') AS new,
  coalesce(r.ended, false) AS ended
FROM devices d LEFT JOIN renamed r ON r.old = d.device_id WHERE d.id <> d.device_id;
DELETE FROM renamed_users WHERE old = new;

INSERT INTO history (enrolment_id, sequence, command_uuid, request_type, body_hash, accepted_at, not_now_count, operation_id, ending, finished_at)
SELECT q.enrolment_id, q.sequence, q.command_uuid, q.request_type, q.body_hash, q.accepted_at, q.not_now_count, q.operation_id, 6, now()
FROM queue q WHERE q.enrolment_id IN (SELECT old FROM renamed WHERE ended UNION ALL SELECT old FROM renamed_users WHERE ended);
DELETE FROM queue WHERE enrolment_id IN (SELECT old FROM renamed WHERE ended UNION ALL SELECT old FROM renamed_users WHERE ended);

-- First out of the way: one id may take the place that another one leaves.
UPDATE devices d SET id = 'RENAMED ' || r.new, device_id = 'RENAMED ' || r.new, version = d.version + 1,
  status = CASE WHEN r.ended THEN 3 ELSE d.status END, push_token = CASE WHEN r.ended THEN NULL ELSE d.push_token END
FROM renamed r WHERE d.id = r.old;
UPDATE devices d SET id = 'RENAMED ' || r.new, device_id = 'RENAMED ' || r.device, version = d.version + 1,
  status = CASE WHEN r.ended THEN 3 ELSE d.status END, push_token = CASE WHEN r.ended THEN NULL ELSE d.push_token END
FROM renamed_users r WHERE d.id = r.old;
DELETE FROM device_activity a USING (SELECT old FROM renamed UNION ALL SELECT old FROM renamed_users) r WHERE a.id = r.old;
UPDATE queue q SET enrolment_id = r.new
FROM (SELECT old, new FROM renamed UNION ALL SELECT old, new FROM renamed_users) r WHERE q.enrolment_id = r.old;
UPDATE history h SET enrolment_id = r.new
FROM (SELECT old, new FROM renamed UNION ALL SELECT old, new FROM renamed_users) r WHERE h.enrolment_id = r.old;
UPDATE pins p SET device_id = 'RENAMED ' || r.new FROM renamed r WHERE p.device_id = r.old;
UPDATE pins SET device_id = substr(device_id, 9) WHERE device_id LIKE 'RENAMED %';
UPDATE devices SET id = substr(id, 9), device_id = CASE WHEN device_id LIKE 'RENAMED %' THEN substr(device_id, 9) ELSE device_id END
WHERE id LIKE 'RENAMED %';
INSERT INTO device_activity (id) SELECT new FROM renamed UNION ALL SELECT new FROM renamed_users ON CONFLICT (id) DO NOTHING;
