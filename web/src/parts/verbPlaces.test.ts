import { expect, it } from 'vitest';

import { namesBudget, verbPlaces } from './verbPlaces';

it('a verb in a text leads to the page that does it', () => {
  expect(verbPlaces('look at it and trust it: windlass trust shop', 'my shop')).toEqual([{ label: 'Look at what it brings', path: '/projects/my%20shop' }]);
  expect(verbPlaces('look at it and trust it: windlass trust shop', null)).toEqual([]);
  expect(verbPlaces('once it is mended: windlass breakers close claude', null)).toEqual([{ label: 'Breakers', path: '/workers' }]);
  expect(verbPlaces("look at the job's log", 'shop', 'job_1')).toEqual([{ label: 'The job’s log', path: '/jobs/job_1' }]);
  expect(verbPlaces("look at the job's log", 'shop')).toEqual([]);
  expect(verbPlaces('Look at the failing check.', 'shop')).toEqual([]);
});

it('a text that asks for another budget is known', () => {
  expect(namesBudget('raise that limit (`windlass update-assignment ID` with a --budget flag or --no-budget)')).toBe(true);
  expect(namesBudget('windlass update-assignment ID --status active')).toBe(false);
});
