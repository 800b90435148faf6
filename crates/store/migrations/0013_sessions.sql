-- What agents are seen to do: those of attempts by their streams, those that people start by their hooks.

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    session_type TEXT NOT NULL,
    harness TEXT NOT NULL,
    -- The agent's own id of it, once it is told.
    agent_session_id TEXT,
    project TEXT,
    assignment_id TEXT,
    job_id TEXT,
    attempt_id TEXT,
    cwd TEXT,
    title TEXT,
    model TEXT,
    -- The tool calls under way.
    open_tools TEXT,
    last_activity_at BIGINT NOT NULL,
    last_activity TEXT NOT NULL,
    tools_used BIGINT NOT NULL,
    tools_failed BIGINT NOT NULL,
    -- Of how many calls it is known how long they took, and how long together.
    tools_timed BIGINT NOT NULL,
    tools_ms BIGINT NOT NULL,
    -- The number of the last activity, and how many of them the attempt's stream told.
    activities BIGINT NOT NULL,
    fed BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    end_reason TEXT
);
CREATE INDEX sessions_assignment ON sessions (assignment_id, attempt_id) WHERE assignment_id IS NOT NULL;
CREATE INDEX sessions_open ON sessions (id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX sessions_manual ON sessions (agent_session_id, harness) WHERE kind = 'manual';

-- The newest activities of each session.
CREATE TABLE activities (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    tool TEXT,
    summary TEXT NOT NULL,
    ok BOOLEAN,
    duration_ms BIGINT,
    PRIMARY KEY (session_id, number)
);

-- How often each session used each tool: the whole count, also of activities that are no longer kept.
CREATE TABLE session_tools (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    tool TEXT NOT NULL,
    used BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    timed BIGINT NOT NULL,
    ms BIGINT NOT NULL,
    PRIMARY KEY (session_id, tool)
);
