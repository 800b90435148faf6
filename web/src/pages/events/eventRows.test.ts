import { describe, expect, it } from 'vitest';

import type { WindlassEvent } from '@/api/types';

import { dataInWords, eventText, joined, passes } from './eventRows';

const event = (seq: number, part: Partial<WindlassEvent> = {}) => ({ seq, kind: 'job.status', at: '', data: {}, ...part }) as WindlassEvent;

describe('the log of events', () => {
  it('tells an event in its sentence, and one that the page does not know by its particulars', () => {
    expect(eventText(event(1, { data: { status: 'running', worker: 'marie' } }))).toBe('Job taken by worker marie');
    expect(eventText(event(1, { kind: 'other', data: { what: 'new' } }))).toBe('what new');
  });
  it('puts what was heard before what was listed, each once', () => {
    expect(joined([event(5), event(4)], [event(5), event(6), event(7)]).map((e) => e.seq)).toEqual([7, 6, 5, 4]);
    expect(joined([], [event(1), event(2)]).map((e) => e.seq)).toEqual([2, 1]);
  });
  it('takes of the stream only what the filter asks for', () => {
    const one = event(1, { project: 'shop', assignment_id: 'asg_1' });
    expect(passes(one, {})).toBe(true);
    expect(passes(one, { project: 'shop', assignment: 'asg_1', kinds: ['job.status'] })).toBe(true);
    expect(passes(one, { project: 'other' })).toBe(false);
    expect(passes(one, { kinds: ['job.progress'] })).toBe(false);
    expect(passes(one, { kinds: [] })).toBe(true);
    expect(passes(one, { job: 'job_1' })).toBe(false);
  });
  it('tells the particulars in a line, whatever they are', () => {
    expect(dataInWords({ status: 'running', attempts: 2, hold: null, more: { a: [1] } })).toBe('status running · attempts 2 · more {"a":[1]}');
    expect(dataInWords(null)).toBe('');
    expect(dataInWords({ text: 'a\u202eb\nc' })).toBe('text a⟨U+202E⟩b c');
  });
});
