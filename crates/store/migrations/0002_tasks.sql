-- Task files: what was taken from a shared directory, until its result is on disk.

CREATE TABLE tasks (
    -- What it was taken as, once: directory, inode, change time and content.
    key TEXT PRIMARY KEY,
    worker TEXT NOT NULL,
    task_id TEXT NOT NULL,
    -- The id in small letters: ids that differ only in case are one file on some file systems.
    folded TEXT NOT NULL,
    file TEXT,
    content TEXT NOT NULL,
    -- None while an outside executor does the work.
    assignment_id TEXT REFERENCES assignments (id),
    status TEXT NOT NULL CHECK (status IN ('live', 'done')),
    -- The last word of an outside executor that was counted, and when its file is written anew.
    told TEXT,
    due_at BIGINT,
    taken_at BIGINT NOT NULL,
    ended_at BIGINT,
    tries TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX tasks_live ON tasks (worker, folded) WHERE status = 'live';
CREATE INDEX tasks_assignment ON tasks (assignment_id) WHERE assignment_id IS NOT NULL;
CREATE INDEX tasks_newest ON tasks (worker, task_id, taken_at);
