import { Button, Stack } from '@mantine/core';
import { useState, type ReactNode } from 'react';

/** What is seldom said, shown when it is asked for. It cannot be folded while something in it is wrong. */
export function Fold({ words, isWrong = false, children }: { words: string; isWrong?: boolean; children: ReactNode }) {
  const [isAsked, setAsked] = useState(false);
  const isOpen = isAsked || isWrong;
  return (
    <Stack gap="sm">
      <Button variant="subtle" color="gray" onClick={() => setAsked(!isOpen)} aria-expanded={isOpen} style={{ alignSelf: 'flex-start' }}>
        {isOpen ? 'Less' : words}
      </Button>
      {isOpen ? children : null}
    </Stack>
  );
}
