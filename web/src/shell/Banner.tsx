import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { resume } from '@/api/commands';
import { daemon } from '@/api/queries';
import { cleanLine } from '@/parts/clean';

import classes from './Banner.module.css';
import { useRefusal } from './may';
import { saying } from './say';

/** What holds all work, over every page, for as long as it does. */
export function Banner() {
  // That it is about to end is told by no event.
  const { data } = useQuery({ ...daemon, refetchInterval: 15_000 });
  const refusal = useRefusal('operate');
  if (!data) return null;
  const words = data.storage_problem
    ? `No new work is taken: ${cleanLine(data.storage_problem)}`
    : data.stopping
      ? 'Windlass is stopping: what runs may end, nothing new starts.'
      : !data.ready
        ? 'Windlass is starting: it looks at what the last run left.'
        : data.paused
          ? 'Paused: what runs goes on, nothing new starts.'
          : null;
  if (words === null) return null;
  return (
    <div className={classes.banner} role="status">
      {words}
      {data.paused && !refusal ? <Button onClick={() => void saying('Jobs start again', resume)}>Resume</Button> : null}
    </div>
  );
}
