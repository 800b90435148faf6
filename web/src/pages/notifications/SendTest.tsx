import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { testNotification } from '@/api/people';
import { asProblem } from '@/api/problem';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { sentences } from '@/parts/sentences';

import classes from './notifications.module.css';

/** Has a channel tell something that says it is a test, and what came of it, beside it. */
export function SendTest({ channel }: { channel: string }) {
  const queries = useQueryClient();
  const test = useMutation({
    mutationFn: () => testNotification(channel),
    onSettled: () => queries.invalidateQueries({ queryKey: ['notifications'] }),
  });
  const problem = test.error ? asProblem(test.error) : null;
  return (
    <div className={classes.test}>
      <Button onClick={() => test.mutate()} disabled={test.isPending} aria-label={`Send a test by ${cleanLine(channel)}`}>
        {test.isPending ? 'Sending…' : 'Send a test'}
      </Button>
      <span role="status" className={problem ? classes.bad : classes.good}>
        {problem ? sentences(...[problem.message, problem.hint ?? ''].map((part) => capital(cleanLine(part)))) : test.isSuccess ? 'It was taken.' : ''}
      </span>
    </div>
  );
}
