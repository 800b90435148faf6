/** Tests of the pages beside the list of work stand on made-up answers, which they may change. */
import { startPlaces, type Places } from '../dev/places.mjs';
import { test as base } from './fixtures';

export const test = base.extend<{ places: Places }>({
  // eslint-disable-next-line no-empty-pattern
  places: async ({}, use) => {
    const places = await startPlaces();
    await use(places);
    await places.stop();
  },
});

/** What was asked of the daemon with this method and path, last. */
export const lastAsked = (places: Places, what: string) => places.requests.findLast((request) => request.what === what);

const asg = (n: number) => `asg_0199${String(n).padStart(6, '0')}7c1a8b52`;
export const ids = { asg };
export const ATTEMPT = 'att_01990000017c1a8b52';

const job = (n: number) => `job_0199${String(n).padStart(6, '0')}7c1a8b52`;

/** Every page, most with a row that is looked at. */
export const PAGES = [
  { name: 'work', path: '/work', title: 'Work' },
  { name: 'work-row', path: `/work?row=${asg(1)}`, title: 'Work' },
  { name: 'sessions', path: '/work/sessions?row=ses_01990000007c1a8b52', title: 'Sessions' },
  { name: 'specs', path: '/work/specs', title: 'Specs' },
  { name: 'errors', path: '/work/errors', title: 'Errors' },
  { name: 'inbox', path: `/inbox?row=need:${asg(1)}`, title: 'Needs you' },
  { name: 'assignment', path: `/assignments/${asg(1)}`, title: 'Add a dark mode' },
  { name: 'timeline', path: `/assignments/${asg(1)}?tab=timeline`, title: 'Add a dark mode' },
  { name: 'changes', path: `/assignments/${asg(1)}?tab=diff`, title: 'Add a dark mode' },
  { name: 'attempt', path: `/attempts/${ATTEMPT}?job=${job(1)}`, title: 'implement, attempt 1' },
  { name: 'stages', path: `/attempts/${ATTEMPT}?job=${job(1)}&view=stages`, title: 'implement, attempt 1' },
  { name: 'jobs', path: `/jobs?row=${job(1)}`, title: 'Jobs' },
  { name: 'dead-letters', path: `/dead-letters?row=${job(70)}`, title: 'Dead letters' },
  { name: 'workers', path: '/workers', title: 'Workers and queues' },
  { name: 'agents', path: '/agents', title: 'Agents' },
  { name: 'agent', path: '/agents/ses_01990000007c1a8b52', title: 'Make the checkout test pass on Node 22' },
  { name: 'agent-figures', path: '/agents?view=figures', title: 'Agents' },
  { name: 'charts', path: '/charts', title: 'Charts' },
  { name: 'operations', path: `/operations?row=${asg(20)}`, title: 'Operations' },
  { name: 'operation', path: `/operations/${asg(22)}`, title: 'Operation' },
  { name: 'files', path: '/files', title: 'Task files' },
  { name: 'events', path: '/events', title: 'Events' },
  { name: 'housekeeping', path: '/housekeeping', title: 'Housekeeping' },
  { name: 'projects', path: '/projects?row=shop', title: 'Projects' },
  { name: 'project', path: '/projects/shop', title: 'shop' },
  { name: 'branches', path: `/branches?row=${asg(0)}`, title: 'Branches' },
  { name: 'locks', path: `/locks?row=${asg(8)}-1`, title: 'Locks' },
  { name: 'findings', path: `/findings?row=${asg(1)}-1`, title: 'Findings' },
  { name: 'deployments', path: '/deployments', title: 'Deployments' },
  { name: 'settings', path: '/settings', title: 'Settings' },
  { name: 'notifications', path: '/notifications', title: 'Notifications' },
  { name: 'tokens', path: '/tokens', title: 'Tokens and users' },
  { name: 'audit', path: '/audit?row=aud_999', title: 'Audit' },
];
