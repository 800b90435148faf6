-- Nodes, and the duties that one of them holds at a time.

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    -- The boot generation of its present life.
    generation BIGINT NOT NULL,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    -- Seen no more after this, it is gone.
    expires_at BIGINT NOT NULL,
    roles TEXT NOT NULL,
    workers TEXT NOT NULL
);

CREATE TABLE duties (
    name TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    node_generation BIGINT NOT NULL,
    -- Rises whenever the duty passes to a node, so that what an earlier holder still writes can be told apart.
    generation BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
