import { expect, it } from 'vitest';

import { removedInWords, retentionRows } from './words';

it('a round is told in words', () => {
  expect(removedInWords({ removed: {} })).toBe('nothing');
  expect(removedInWords({ removed: { assignments: 1, events: 1_200, workspaces: 2, workspace_bytes: 3_400_000_000 } })).toBe('1 assignment, 1200 events, 2 workspaces, 3.4 GB of both');
});

it('what is not limited is kept for ever', () => {
  const rows = retentionRows({ finished_secs: null, workspaces_secs: 86_400, workspaces_max_bytes: 10_000_000_000, events_secs: 3_600, interval_secs: 600, min_free_bytes: 1_000_000 });
  expect(rows.map((row) => row.value)).toEqual(['for ever', '1 d, all together at most 10.0 GB', 'for ever', '1 h', '1.0 MB of free space', '10 min']);
});
