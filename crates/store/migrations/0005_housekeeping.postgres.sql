-- Rows that change often keep room on their page for the next version of themselves, and are vacuumed by the row and not by the share:
-- the tables grow for months, what is dead in them does not.
ALTER TABLE jobs SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
ALTER TABLE attempts SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
ALTER TABLE assignments SET (fillfactor = 80);
-- Pruned from its beginning: what was deleted must not be walked over by every reader of the first number.
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
