-- What people were told of, and are to be told of, by the channels of the configuration.

CREATE TABLE notifications (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    -- What it is about: the same for as long as it is the same thing, and how often that has happened.
    key TEXT NOT NULL,
    occurrence BIGINT NOT NULL,
    kind TEXT NOT NULL,
    told TEXT NOT NULL,
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    at BIGINT NOT NULL,
    due_at BIGINT,
    tried_at BIGINT,
    -- When it was no longer so.
    over_at BIGINT,
    problem TEXT
);
CREATE UNIQUE INDEX notifications_once ON notifications (channel, key, occurrence);
CREATE INDEX notifications_current ON notifications (id) WHERE over_at IS NULL;
CREATE INDEX notifications_at ON notifications (at);

-- Since when an assignment is blocked by what blocks it: other changes of it are no new block.
ALTER TABLE assignments ADD COLUMN blocked_at BIGINT;
UPDATE assignments SET blocked_at = updated_at WHERE status = 'blocked';

-- Since when a breaker is not closed: that it is tried in vain is no new breakdown.
ALTER TABLE breakers ADD COLUMN opened_at BIGINT;
UPDATE breakers SET opened_at = changed_at WHERE open_until IS NOT NULL;
