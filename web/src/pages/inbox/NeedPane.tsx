import { ActionIcon, Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconX } from '@tabler/icons-react';

import { assignment } from '@/api/queries';
import type { Need } from '@/api/types';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { NEED_WORDS } from '@/parts/needs';
import { Properties } from '@/parts/SplitPage';
import { RelativeTime, Until } from '@/parts/times';
import { toDo } from '@/parts/toDo';

import pane from '../work/pane.module.css';
import { useIsWritten } from './blocked';

/** Why it waits for a person, and what is known of it; the answers stand at its row. */
export function NeedPane({ need, open, close }: { need: Need; open: () => void; close: () => void }) {
  const { data } = useQuery({ ...assignment(need.assignment_id ?? ''), enabled: need.assignment_id !== null });
  const isWritten = useIsWritten(need);
  return (
    <>
      <div className={pane.head}>
        <strong>{NEED_WORDS[need.kind] ?? need.kind}</strong>
        <ActionIcon aria-label="Close" onClick={close} size="sm">
          <IconX size={15} />
        </ActionIcon>
      </div>
      <h2 className={pane.title}>{cleanLine(need.title)}</h2>
      <p className={pane.why}>{isWritten ? cleanLine(need.why) : capital(cleanLine(need.why))}</p>
      {need.action ? <p className={pane.action}>{isWritten ? cleanLine(need.action) : toDo(need.action)}</p> : null}
      {need.assignment_id ? (
        <Group gap={6} mt="xs">
          <Button variant="filled" onClick={open}>
            Open
          </Button>
        </Group>
      ) : null}
      <Properties
        of={[
          ['Project', need.project && cleanLine(need.project)],
          ['Since', <RelativeTime key="since" at={need.since} focusable />],
          ['Ends', need.until && <Until key="until" at={need.until} />],
          ['Owner', data?.block?.owner && cleanLine(data.block.owner)],
          ['Branch', data?.branch && <code>{cleanLine(data.branch)}</code>],
        ]}
      />
    </>
  );
}
