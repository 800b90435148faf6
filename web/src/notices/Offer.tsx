import { Button } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';

import { askToTell } from './ask';
import { useNotices } from './setting';

/** Offers to tell of new things by the browser's notifications, where that was not decided yet. */
export function Offer() {
  const { permission, kinds } = useNotices();
  if (kinds !== null || permission === 'denied' || permission === 'unsupported') return null;
  return (
    <Button variant="subtle" color="gray" leftSection={<IconBell size={14} aria-hidden />} onClick={() => void askToTell(['needs_you'])}>
      Tell me in this browser
    </Button>
  );
}
