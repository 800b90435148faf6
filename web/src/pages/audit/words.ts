import { cleanLine } from '@/parts/clean';

export const VIA: Record<string, string> = {
  session: 'signed in',
  token: 'by a token',
  owner: 'as the owner',
  agent: 'an agent',
  none: 'nobody signed in',
};

/** An operation's id in words: `cancel_job` is `cancel job`. */
export const actionInWords = (action: string) => cleanLine(action).replaceAll('_', ' ');

/** The assignment that a path is about, if it is about one. */
export const assignmentOf = (path: string) => /\/(asg_[0-9a-z]+)(\/|$)/.exec(path)?.[1];

/** How a request was answered, in a word. */
export function outcome(status: number): { word: string; tone: 'good' | 'need' | 'bad' } {
  if (status < 400) return { word: 'done', tone: 'good' };
  if (status === 401 || status === 403) return { word: 'refused', tone: 'need' };
  return status < 500 ? { word: 'not possible', tone: 'need' } : { word: 'failed', tone: 'bad' };
}
