import { Button } from '@mantine/core';
import { useEffect, useRef } from 'react';

import { answer, client } from '@/api/client';
import { useStream } from '@/api/live';
import { asProblem } from '@/api/problem';
import { EmptyState } from '@/parts/States';

import { say } from './say';

/** Whether the daemon answers now, if only to refuse. */
export const answers = () => answer(client.GET('/api/v1/me', {})).then(() => true, (error: unknown) => !asProblem(error).isAway);

/** Stands where a page would that could not be loaded; when the daemon is back, the page is loaded by itself. */
export function UnloadedPage() {
  const { is } = useStream();
  const wasAway = useRef(false);
  useEffect(() => {
    if (is === 'reconnecting') wasAway.current = true;
    else if (is !== 'connecting' && wasAway.current) window.location.reload();
  }, [is]);
  const tryAgain = async () => {
    if (await answers()) window.location.reload();
    else say('Windlass still does not answer.', true);
  };
  return (
    <EmptyState title="This page is not loaded">
      <p>Windlass does not answer, and this page was not looked at before. It comes by itself when the daemon is back.</p>
      <Button onClick={() => void tryAgain()}>Try again</Button>
    </EmptyState>
  );
}
