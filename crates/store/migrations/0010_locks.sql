-- Which files an assignment's jobs have to themselves while they run. Whether a lock is held is derived: a job of its assignment runs.

CREATE TABLE file_locks (
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    number BIGINT NOT NULL,
    project TEXT NOT NULL,
    -- Nobody asked for it: an agent changed this file.
    touched BOOLEAN NOT NULL,
    pattern TEXT NOT NULL,
    PRIMARY KEY (assignment_id, number)
);
CREATE INDEX file_locks_project ON file_locks (project);

-- The branches that assignments work on, and how far each is on its way into its base.
CREATE TABLE branches (
    assignment_id TEXT PRIMARY KEY REFERENCES assignments (id),
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    base TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'merging', 'merged')),
    -- What is pushed or about to be, and what is known to be pushed.
    declared TEXT,
    head TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    looked_at BIGINT NOT NULL
);
CREATE INDEX branches_open ON branches (project, base) WHERE status <> 'merged';
CREATE INDEX branches_looked ON branches (looked_at) WHERE status <> 'merged';

-- Raised by every declaration of a head: who declares names the number that they looked at.
CREATE TABLE branch_registry (
    project TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    -- The assignment whose agent merges now, while a job of it runs.
    turn TEXT
);
