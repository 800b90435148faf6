import {
  IconAlertTriangle,
  IconBan,
  IconCircle,
  IconCircleCheck,
  IconCircleX,
  IconClock,
  IconHandStop,
  IconPlayerPlay,
  IconSkull,
} from '@tabler/icons-react';
import { memo } from 'react';

import classes from './StatusWord.module.css';

type Tone = 'run' | 'good' | 'wait' | 'need' | 'bad' | 'off';

const LOOKS: Record<string, { tone: Tone; Icon: typeof IconClock; word?: string; means?: string }> = {
  running: { tone: 'run', Icon: IconPlayerPlay },
  active: { tone: 'run', Icon: IconPlayerPlay },
  merging: { tone: 'wait', Icon: IconClock, word: 'to be merged', means: 'Its work is done and pushed; it waits until somebody merges it into its base.' },
  held: { tone: 'run', Icon: IconPlayerPlay },
  waiting: { tone: 'wait', Icon: IconClock },
  queued: { tone: 'wait', Icon: IconClock },
  parked: { tone: 'wait', Icon: IconClock },
  due: { tone: 'wait', Icon: IconClock },
  half_open: { tone: 'wait', Icon: IconClock, word: 'half open' },
  idle: { tone: 'off', Icon: IconCircle },
  free: { tone: 'off', Icon: IconCircle },
  ended: { tone: 'off', Icon: IconCircleCheck },
  blocked: { tone: 'need', Icon: IconHandStop },
  complete: { tone: 'good', Icon: IconCircleCheck },
  succeeded: { tone: 'good', Icon: IconCircleCheck },
  passed: { tone: 'good', Icon: IconCircleCheck },
  merged: { tone: 'good', Icon: IconCircleCheck },
  sent: { tone: 'good', Icon: IconCircleCheck },
  closed: { tone: 'good', Icon: IconCircleCheck },
  failed: { tone: 'bad', Icon: IconCircleX },
  open: { tone: 'bad', Icon: IconAlertTriangle },
  dead: { tone: 'bad', Icon: IconSkull },
  lost: { tone: 'bad', Icon: IconAlertTriangle },
  cancelled: { tone: 'off', Icon: IconBan },
};

/** What a status is called. */
export const statusWord = (status: string): string => LOOKS[status]?.word ?? status.replaceAll('_', ' ');

/** A status in its word, with a sign before it. The word is always there; nothing turns or blinks. */
export const StatusWord = memo(function StatusWord({ status }: { status: string }) {
  const { tone, Icon, means } = LOOKS[status] ?? { tone: 'off', Icon: IconCircle, means: undefined };
  return (
    <span className={classes.status} data-tone={tone} title={means}>
      <Icon size={14} stroke={2} aria-hidden />
      {statusWord(status)}
    </span>
  );
});
