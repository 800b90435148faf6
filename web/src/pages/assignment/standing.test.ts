import { describe, expect, it } from 'vitest';

import type { AssignmentDetail, Job } from '@/api/types';

import { failedJob, jobWords, standing } from './standing';

const job = (position: number, status: string, more = {}) => ({ id: `job_${position}`, position, status, progress: 0, spec: { type: 'implement' }, ...more }) as unknown as Job;
const work = (jobs: Job[], more = {}) => ({ status: 'active', jobs, verdicts: [], ...more }) as unknown as AssignmentDetail;

describe('a job in its line', () => {
  it('says what it waits for behind others', () => {
    const chat = job(2, 'queued', { spec: { type: 'chat' } });
    expect(jobWords(chat, work([job(1, 'running'), chat]))).toBe('Waits for the implement job before it.');
    expect(jobWords(chat, work([job(1, 'succeeded'), chat]))).toBe('');
    expect(jobWords(chat, work([job(1, 'failed'), chat], { status: 'blocked' }))).toBe('Waits for a person: its work is blocked.');
  });
  it('says of a judgement that it was given, and not what was printed', () => {
    const pm = job(1, 'succeeded', { spec: { type: 'pm' }, output: '{"action":"block"}' });
    expect(jobWords(pm, work([pm]))).toBe('Gave its verdict');
  });
});

describe('where an assignment stands', () => {
  it('is said in the words of whoever wrote them', () => {
    const block = { owner: 'person', reason: 'wait for design', action: 'ask ann', kind: null };
    expect(standing(work([], { status: 'blocked', block }), undefined)).toMatchObject({ why: 'wait for design', action: 'ask ann' });
    const failure = { ...block, reason: 'the check stayed red', action: 'look at it', kind: 'verify_failed' };
    expect(standing(work([], { status: 'blocked', block: failure }), undefined)).toMatchObject({ why: 'The check stayed red', action: 'Look at it' });
    expect(standing(work([job(1, 'running', { message: 'sleep 500' })]), undefined).why).toBe('sleep 500');
  });
});

it('what another try would run is the last job that went wrong, with nothing done after it', () => {
  expect(failedJob(work([job(1, 'failed'), job(2, 'queued')], { status: 'blocked' }))?.id).toBe('job_1');
  expect(failedJob(work([job(1, 'failed'), job(2, 'succeeded')], { status: 'blocked' }))).toBeNull();
  expect(failedJob(work([job(1, 'failed')]))).toBeNull();
});
