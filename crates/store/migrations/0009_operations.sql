-- What an assignment that is a code operation was asked for with, and who is told of its end.

CREATE TABLE operations (
    assignment_id TEXT PRIMARY KEY REFERENCES assignments (id),
    operation_type TEXT NOT NULL,
    organization_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    -- As it was sent, without the callback's secret.
    request TEXT NOT NULL,
    -- Tells a request that comes again from another one under the same key.
    fingerprint TEXT NOT NULL,
    callback_url TEXT,
    -- Empty: the daemon's own.
    callback_secret TEXT
);
CREATE INDEX operations_organization ON operations (organization_id, assignment_id);
CREATE INDEX operations_session ON operations (session_id, assignment_id);

-- One for each time that an operation with a callback came to its end.
CREATE TABLE callbacks (
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    number BIGINT NOT NULL,
    -- Names it to the receiver, however often it is sent.
    delivery TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When it is sent next; empty when that is over.
    due_at BIGINT,
    tries BIGINT NOT NULL,
    -- What is sent: the same each time.
    body TEXT,
    -- Why the last try failed.
    problem TEXT,
    PRIMARY KEY (assignment_id, number)
);
CREATE INDEX callbacks_due ON callbacks (due_at) WHERE due_at IS NOT NULL;
