-- Hooks may be sent twice: the ids of a session's tool calls that have ended, the newest of them.

ALTER TABLE sessions ADD COLUMN ended_calls TEXT;
