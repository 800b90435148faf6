-- Circuit breakers, one for each harness and account, shared by all nodes.
-- The status follows from open_until and the time. A probe counts while its job runs under that token, so a lost one needs no clean-up.

CREATE TABLE breakers (
    harness TEXT NOT NULL,
    account TEXT NOT NULL,
    failures BIGINT NOT NULL,
    openings BIGINT NOT NULL,
    open_until BIGINT,
    probe_job TEXT,
    probe_generation BIGINT,
    probe_epoch BIGINT,
    changed_at BIGINT NOT NULL,
    failure TEXT,
    PRIMARY KEY (harness, account)
);

-- The key of the request that last replayed a dead letter, so that the same request repeated changes nothing.
ALTER TABLE jobs ADD COLUMN replay_key TEXT;
