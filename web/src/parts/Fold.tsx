import { Button, Stack } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';

/** What is seldom said, shown when it is asked for. It cannot be folded while something in it is wrong. */
export function Fold({ words, isWrong = false, children }: { words: string; isWrong?: boolean; children: ReactNode }) {
  const [isAsked, setAsked] = useState(false);
  const isOpen = isAsked || isWrong;
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <Stack gap="sm">
      <Button
        variant="subtle"
        color="gray"
        leftSection={<Chevron size={13} aria-hidden />}
        onClick={() => setAsked(!isOpen)}
        aria-expanded={isOpen}
        style={{ alignSelf: 'flex-start' }}
      >
        {words}
      </Button>
      {isOpen ? children : null}
    </Stack>
  );
}
