-- What an operation leaves in a row less: its events about one assignment stand in the row of the last of them, the stages of an attempt
-- that were over at its end stand in the attempt.

-- The events before the last, as a JSON list; their numbers are those before its own.
ALTER TABLE events ADD COLUMN earlier TEXT;
ALTER TABLE events ADD COLUMN earlier_count BIGINT NOT NULL DEFAULT 0;

-- A JSON list of stages, those of the table `stages` left out.
ALTER TABLE attempts ADD COLUMN stages TEXT;

-- Each index that a claim and a settlement change costs as much as the row.
DROP INDEX jobs_running;
DROP INDEX jobs_one_running;
-- One job of an assignment at a time, whatever the program does. An assignment has one project: it is there to be counted by.
CREATE UNIQUE INDEX jobs_one_running ON jobs (assignment_id, project) WHERE status = 'running';
DROP INDEX jobs_status;
CREATE INDEX jobs_over ON jobs (status, id) WHERE status NOT IN ('queued', 'running');

-- Of the tasks that are done, those with something left to say: a file that could not be removed, a dead letter.
CREATE INDEX tasks_told ON tasks (ended_at) WHERE status = 'done' AND told IS NOT NULL;
