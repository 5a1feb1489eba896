-- Ends what must not run twice, after a database was restored with pg_restore and before the nodes start: docs/operations.md, "Backup and restore".
-- A waiting EraseDevice may have been run or cancelled after the backup. It goes into the history of its iPad as cancelled.
-- (On SQLite the command `restore` does this by itself.) It may be run again.
WITH gone AS (
  DELETE FROM queue WHERE request_type = 'EraseDevice'
  RETURNING enrolment_id, sequence, command_uuid, request_type, body_hash, accepted_at, not_now_count, operation_id),
used AS (
  UPDATE bodies SET last_used = now() WHERE hash IN (SELECT body_hash FROM gone))
INSERT INTO history (enrolment_id, sequence, command_uuid, request_type, body_hash, accepted_at, not_now_count, operation_id,
  ending, finished_at, error_summary)
SELECT enrolment_id, sequence, command_uuid, request_type, body_hash, accepted_at, not_now_count, operation_id,
  4, now(), 'the database was restored from a backup; what was queued to erase has to be ordered again'
FROM gone;

-- What would begin later is cancelled for the same reason.
UPDATE operations SET cancelled_at = now(), next_at = NULL
WHERE request_type = 'EraseDevice' AND phase IN (1, 2) AND cancelled_at IS NULL;
