-- The first schema. Columns are TEXT, BIGINT, BOOLEAN and JSON as text; ids and times come from the program.
-- Long texts stand last in their row, so that short columns are read without them.

CREATE TABLE control (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO control (name, value) VALUES ('generation', 0), ('paused', 0), ('probe', 0);

CREATE TABLE harness_parks (
    harness TEXT PRIMARY KEY,
    until_at BIGINT NOT NULL,
    reason TEXT NOT NULL
);

CREATE TABLE projects (
    name TEXT PRIMARY KEY,
    repo TEXT,
    default_branch TEXT,
    trusted TEXT,
    -- Whether the repository is not a local path, and the limit of the settings: the claim filters by them.
    remote BOOLEAN NOT NULL,
    max_concurrent BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    settings TEXT NOT NULL
);
CREATE INDEX projects_repo ON projects (repo);

CREATE TABLE assignments (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL REFERENCES projects (name),
    status TEXT NOT NULL CHECK (status IN ('active', 'blocked', 'complete', 'cancelled')),
    source TEXT NOT NULL,
    submission_key TEXT,
    inserted_jobs BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    branch TEXT,
    base_branch TEXT,
    base_commit TEXT,
    head_commit TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ended_at BIGINT,
    budget TEXT NOT NULL,
    spent TEXT NOT NULL,
    block TEXT,
    policy TEXT NOT NULL,
    north_star TEXT NOT NULL
);
CREATE UNIQUE INDEX assignments_key ON assignments (submission_key);
CREATE INDEX assignments_project ON assignments (project, id);
CREATE INDEX assignments_status ON assignments (status, id);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    project TEXT NOT NULL,
    position BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')),
    job_type TEXT NOT NULL,
    worker TEXT NOT NULL,
    -- The agent that the job or its assignment names, if any.
    harness TEXT,
    priority BIGINT NOT NULL,
    -- The order of claims: when it was made, moved by its priority. Waiting thus outweighs any priority in time.
    rank BIGINT NOT NULL,
    reviews TEXT,
    phase TEXT NOT NULL,
    progress BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    rescues BIGINT NOT NULL,
    parks BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    commit_id TEXT,
    -- The lease. Generation and epoch stay after it, so that the next token is another.
    lease_node TEXT,
    lease_generation BIGINT NOT NULL,
    lease_epoch BIGINT NOT NULL,
    lease_expires_at BIGINT,
    cancel_requested BOOLEAN NOT NULL,
    cost_micros BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    usage TEXT,
    spent TEXT NOT NULL,
    message TEXT,
    park TEXT,
    failure TEXT,
    spec TEXT NOT NULL,
    output TEXT
);
CREATE INDEX jobs_line ON jobs (assignment_id, position);
CREATE INDEX jobs_ready ON jobs (worker, rank, id) WHERE status = 'queued';
CREATE INDEX jobs_due ON jobs (due_at) WHERE status = 'queued';
CREATE INDEX jobs_running ON jobs (project) WHERE status = 'running';
CREATE INDEX jobs_status ON jobs (status, id);
-- One job of an assignment at a time, whatever the program does.
CREATE UNIQUE INDEX jobs_one_running ON jobs (assignment_id) WHERE status = 'running';

CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    assignment_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    node TEXT NOT NULL,
    harness TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'lost', 'stopped')),
    session_id TEXT,
    pid BIGINT,
    pid_start BIGINT,
    isolation TEXT,
    agent_token_sha256 TEXT,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    usage TEXT,
    failure TEXT,
    proposed_verdict TEXT
);
CREATE UNIQUE INDEX attempts_number ON attempts (job_id, number);
CREATE UNIQUE INDEX attempts_agent_token ON attempts (agent_token_sha256) WHERE agent_token_sha256 IS NOT NULL;

CREATE TABLE stages (
    attempt_id TEXT NOT NULL REFERENCES attempts (id),
    number BIGINT NOT NULL,
    stage TEXT NOT NULL,
    iteration BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'passed', 'failed', 'skipped', 'interrupted')),
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    detail TEXT NOT NULL,
    PRIMARY KEY (attempt_id, number)
);

CREATE TABLE verdicts (
    id TEXT PRIMARY KEY,
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    job_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    verdict TEXT NOT NULL
);
CREATE INDEX verdicts_assignment ON verdicts (assignment_id, id);

CREATE TABLE effects (
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    number BIGINT NOT NULL,
    job_id TEXT NOT NULL,
    iteration BIGINT NOT NULL,
    diff_hash TEXT NOT NULL,
    check_hash TEXT NOT NULL,
    PRIMARY KEY (assignment_id, number)
);

CREATE TABLE events (
    seq BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    project TEXT,
    assignment_id TEXT,
    job_id TEXT,
    attempt_id TEXT,
    data TEXT NOT NULL
);
CREATE INDEX events_assignment ON events (assignment_id, seq);
