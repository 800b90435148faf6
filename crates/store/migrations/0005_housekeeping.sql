-- When a backup was last finished, in milliseconds since 1970; 0: never.
INSERT INTO control (name, value) VALUES ('backed_up_at', 0);
