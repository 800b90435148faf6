/** What the engine's words mean, for people. */
import type { HoldKind, WorkItem } from '@/api/types';

export const HOLD_WORDS: Record<HoldKind, string> = {
  paused: 'everything is paused',
  blocked: 'blocked',
  assignment_over: 'the assignment is over',
  predecessor: 'a job before it runs',
  backoff: 'pause after a failure',
  parked: 'parked by a quota',
  harness_parked: 'its agent is parked',
  breaker_open: 'its agent is out of order',
  budget: 'budget is spent',
  no_worker: 'no such worker',
  worker_busy: 'every slot is taken',
  project_busy: 'the project runs enough',
  file_locked: 'files are locked',
  storage: 'storage takes no work',
  ready: 'about to start',
};

/** What each sandbox level keeps apart, and what it does not. */
export const LEVELS: Record<string, { keeps: string; lets: string; isWeak: boolean }> = {
  bubblewrap: {
    keeps: 'Agents see the system and their own workspace. Other files, processes and, where a project wants it, the network are not there.',
    lets: 'Unless a project closes it, the network is open to them.',
    isWeak: false,
  },
  landlock: {
    keeps: 'The kernel refuses every file that is not shown, and other processes’ memory and signals.',
    lets: 'Other processes can be listed; the network and UNIX sockets by path are open; /tmp is refused.',
    isWeak: false,
  },
  rlimits: {
    keeps: 'Limits of memory, processes and files only.',
    lets: 'Agents read what the daemon’s user reads, its token among it: tokens are no boundary here. Work from untrusted sources is refused.',
    isWeak: true,
  },
  off: {
    keeps: 'Nothing; its processes still end with the attempt.',
    lets: 'Agents can do what the daemon’s user can do.',
    isWeak: true,
  },
};

export interface HeldGroup {
  hold: HoldKind;
  count: number;
  /** The earliest moment at which one of them goes on by itself. */
  until: string | null;
}

/** Why the waiting work of each worker is held, the most frequent reason first. */
export function heldByWorker(items: readonly Pick<WorkItem, 'hold' | 'until' | 'job'>[]): Map<string, HeldGroup[]> {
  const workers = new Map<string, HeldGroup[]>();
  for (const item of items) {
    if (!item.job || !item.hold) continue;
    const groups = workers.get(item.job.worker) ?? [];
    workers.set(item.job.worker, groups);
    let group = groups.find((g) => g.hold === item.hold);
    if (!group) groups.push((group = { hold: item.hold, count: 0, until: null }));
    group.count += 1;
    if (item.until && (group.until === null || Date.parse(item.until) < Date.parse(group.until))) group.until = item.until;
  }
  for (const groups of workers.values()) groups.sort((a, b) => b.count - a.count);
  return workers;
}
