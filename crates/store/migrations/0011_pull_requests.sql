-- The pull request of an assignment's branch, and when and from where on it is looked at again while it is open.

ALTER TABLE assignments ADD COLUMN pull_request TEXT;

CREATE TABLE pull_request_watches (
    assignment_id TEXT PRIMARY KEY REFERENCES assignments (id),
    due_at BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    review_mark TEXT,
    answered TEXT,
    follow_ups BIGINT NOT NULL
);

CREATE INDEX pull_request_watches_due ON pull_request_watches (due_at, assignment_id);
