-- A teacher's lesson locks iPads of one class: an exam underneath, which gives way to every other exam.
ALTER TABLE exams ADD COLUMN lesson_class_id text COLLATE "C";
-- The bundle identifier of its app, and the app's name as iPads tell it.
ALTER TABLE exams ADD COLUMN lesson_app text COLLATE "C";
ALTER TABLE exams ADD COLUMN lesson_app_name text;

-- One at a time for a class.
CREATE UNIQUE INDEX exams_lesson_open ON exams (lesson_class_id) WHERE lesson_class_id IS NOT NULL AND phase <> 2;
CREATE INDEX exams_by_lesson ON exams (lesson_class_id, starts_at) WHERE lesson_class_id IS NOT NULL;
