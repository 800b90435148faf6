import { expect, it } from 'vitest';

import { toDo } from './toDo';

it('what a button does is said in its words, without a command to fill in', () => {
  const says: [string, string][] = [
    ["look at the job's log, then retry the job (`windlass retry JOB`, with --context to say more), or cancel the assignment", "Look at the job's log, then retry the job, or cancel the assignment"],
    ['raise that limit or lift it (`windlass update-assignment ID` with a --budget flag or --no-budget), or cancel the assignment', 'Raise that limit or lift it, or cancel the assignment'],
    ['mend it. Then: windlass update-assignment ID --status active', 'Mend it. Then: let it go on'],
    ['see whether this machine reaches the forge ([forge] base_url, a proxy), then `windlass retry JOB`: the work is kept', 'See whether this machine reaches the forge ([forge] base_url, a proxy), then retry the job: the work is kept'],
    ['merge or close a first (windlass branches merged a, or windlass branches release a), then windlass retry job_1', 'Merge or close a first, then retry the job'],
    ['read what it says with `windlass logs`, then retry the job with other words', 'Read what it says, then retry the job with other words'],
    ['look at it and trust it: windlass trust shop; or give a check yourself with --verify', 'Look at it and trust it; or give a check yourself with --verify'],
    ['wait, it is tried again by itself; or, once it is mended: windlass breakers close claude', 'Wait, it is tried again by itself; or, once it is mended, close its breaker'],
    ['decide yourself: windlass insert-job, or windlass update-assignment --status complete', 'Decide yourself: insert a job, or say that it is complete'],
    ['Let it through with `windlass approve job_1`, or retry the job with other words', 'Let it through, or retry the job with other words'],
  ];
  for (const [typed, called] of says) expect(toDo(typed)).toBe(called);
});

it('a command that has no button stays whole', () => {
  expect(toDo('keep them in a bundle and remove it: windlass clean --bundle asg_1')).toBe('Keep them in a bundle and remove it: windlass clean --bundle asg_1');
});
