-- What looks like secrets in an assignment's work and stands in its way: the last scan's, at most a hundred.

CREATE TABLE findings (
    assignment_id TEXT NOT NULL REFERENCES assignments (id),
    number BIGINT NOT NULL,
    project TEXT NOT NULL,
    job_id TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    finding TEXT NOT NULL,
    PRIMARY KEY (assignment_id, number)
);
