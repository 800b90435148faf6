import { describe, expect, it } from 'vitest';

import type { JobOfWork } from '@/api/jobs';

import { whyOf } from './words';

const row = (job: object, work?: object) =>
  ({ job: { id: 'job_2', status: 'queued', worker: 'default', progress: 0, spec: {}, ...job }, work }) as unknown as JobOfWork;

describe('the sentence on a job', () => {
  it('says why the next job of its work waits, and until when', () => {
    const work = { status: 'waiting', summary: 'The worker is busy.', until: '2026-11-22T10:00:00Z', job: { id: 'job_2' } };
    expect(whyOf(row({}, work))).toEqual({ summary: 'The worker is busy.', until: '2026-11-22T10:00:00Z' });
  });

  it('says that a job behind another waits for that one', () => {
    const work = { status: 'running', summary: 'The agent works.', job: { id: 'job_1', type: 'plan' } };
    expect(whyOf(row({}, work)).summary).toBe('Waits for the plan job before it.');
  });

  it('says what its work is blocked by, also of jobs further down the line', () => {
    expect(whyOf(row({}, { status: 'blocked', summary: 'A person has to act.', job: { id: 'job_1', type: 'plan' } })).summary).toBe('Waits for a person: A person has to act.');
  });

  it('says of a running job how far it is and its last word', () => {
    const work = { status: 'running', summary: 'The agent works.', job: { id: 'job_2', progress: 40, stage: 'verify', iteration: 2 } };
    expect(whyOf(row({ status: 'running', progress: 40, message: 'runs the tests' }, work))).toEqual({ before: '40 % · verify, round 2', summary: 'runs the tests', asWritten: true });
    expect(whyOf(row({ status: 'running', cancel_requested: true }, work)).summary).toBe('Is being called off.');
  });

  it('says how an ended job ended', () => {
    expect(whyOf(row({ status: 'succeeded', output: '\nThe sum is right.\nMore.' })).summary).toBe('The sum is right.');
    expect(whyOf(row({ status: 'succeeded', commit: '3f2a9c01d7be55aa' })).summary).toBe('Left commit 3f2a9c01d7.');
    expect(whyOf(row({ status: 'succeeded', spec: { type: 'pm' }, output: '{"action":"Put the API key …"}' })).summary).toBe('Gave its verdict');
    expect(whyOf(row({ status: 'dead', failure: { message: 'the API answered 529' } })).summary).toBe('the API answered 529');
    expect(whyOf(row({ status: 'cancelled' })).summary).toBe('Called off.');
  });
});
