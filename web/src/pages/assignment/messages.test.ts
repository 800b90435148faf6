import { describe, expect, it } from 'vitest';

import type { Job } from '@/api/types';

import { hearsNothing, messageEffect, messagesOf } from './messages';

const job = (type: string, context?: string) => ({ id: `job_${type}`, spec: { type, context } }) as unknown as Job;

it('a message to what is blocked or over says that it lets it go on', () => {
  expect(messageEffect('blocked')).toContain('lets it go on');
  expect([messageEffect('complete'), messageEffect('cancelled')]).toEqual(Array(2).fill('It is over; a message opens it again.'));
  expect(messageEffect('active')).toBeNull();
});

it('what people wrote is what the chat jobs were told, without what a terminal would obey', () => {
  expect(messagesOf([job('implement', 'Do it'), job('chat', ' Use \u001b[31mred\n'), job('chat')]).map(({ text }) => text)).toEqual(['Use red']);
});

describe('who is spoken to', () => {
  const policy = { harness_defaults: { default: 'command' } } as never;
  const ran = (harness: string | null) => ({ started_at: '2026-11-22T10:00:00Z', spec: { type: 'implement', harness } }) as never;
  it('is nobody where a program did all the work', () => {
    expect(hearsNothing({ policy, jobs: [ran(null)] })).toBe(true);
    expect(hearsNothing({ policy, jobs: [ran('command')] })).toBe(true);
  });
  it('is an agent that worked on it, or would take a message up', () => {
    expect(hearsNothing({ policy, jobs: [ran('claude')] })).toBe(false);
    expect(hearsNothing({ policy: { harness_defaults: { default: 'command', chat: 'claude' } } as never, jobs: [ran(null)] })).toBe(false);
    expect(hearsNothing({ policy: {} as never, jobs: [ran('command')] })).toBe(false);
  });
});
