import { expect, it } from 'vitest';

import { KINDS, staleKeys } from './topics';
import type { WindlassEvent } from './types';

const event = (kind: WindlassEvent['kind'], more: Partial<WindlassEvent> = {}): WindlassEvent => ({ seq: 1, at: '', kind, data: {}, ...more });

it('an event of a job makes its rows and its own page stale', () => {
  const keys = staleKeys(event('job.status', { assignment_id: 'asg_1', job_id: 'job_1' }));
  expect(keys).toContainEqual(['work']);
  expect(keys).toContainEqual(['assignment', 'asg_1']);
  expect(keys).toContainEqual(['job', 'job_1']);
});

it('a restored backup makes everything stale', () => {
  expect(staleKeys(event('engine.restored'))).toBeNull();
});

it('a kind that a later version has is heard and does no harm', () => {
  expect(KINDS).toContain('other');
  expect(staleKeys(event('something.new' as WindlassEvent['kind'], { assignment_id: 'asg_1' }))).toEqual([['assignment', 'asg_1']]);
});

it('an activity makes its session stale', () => {
  expect(staleKeys(event('session.activity', { data: { session_id: 'ses_1' } }))).toContainEqual(['agent', 'ses_1']);
});
