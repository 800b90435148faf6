-- What a person who moved an assignment said of why; of one that is blocked, the block says it.

ALTER TABLE assignments ADD COLUMN status_reason TEXT;
