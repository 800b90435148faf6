import { expect, it } from 'vitest';

import type { Job } from '@/api/types';

import { messageEffect, messagesOf } from './messages';

const job = (type: string, context?: string) => ({ id: `job_${type}`, spec: { type, context } }) as unknown as Job;

it('a message to what is blocked or over says that it lets it go on', () => {
  expect(messageEffect('blocked')).toContain('lets it go on');
  expect([messageEffect('complete'), messageEffect('cancelled')]).toEqual(Array(2).fill('It is over; a message opens it again.'));
  expect(messageEffect('active')).toBeNull();
});

it('what people wrote is what the chat jobs were told, without what a terminal would obey', () => {
  expect(messagesOf([job('implement', 'Do it'), job('chat', ' Use \u001b[31mred\n'), job('chat')]).map(({ text }) => text)).toEqual(['Use red']);
});
