import { ActionIcon, Button } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';

import type { AgentSession } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { Properties } from '@/parts/SplitPage';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { span } from '@/parts/timewords';
import { keepProject } from '@/shell/project';

import classes from './pane.module.css';
import { sessionKind, sessionTitle, toolsInWords } from './sessionWords';
import { ToolNow } from './ToolNow';

/** What is known of one session. */
export function SessionPane({ session, open, close }: { session: AgentSession; open: () => void; close: () => void }) {
  const { current_tool: tool } = session;
  return (
    <>
      <div className={classes.head}>
        <StatusWord status={session.status} />
        <ActionIcon aria-label="Close" onClick={close} size="sm">
          <IconX size={15} />
        </ActionIcon>
      </div>
      <h2 className={classes.title}>{sessionTitle(session)}</h2>
      <p className={classes.why}>{cleanLine(session.last_activity)}</p>
      <Button variant="filled" onClick={open} mt="xs">
        Open
      </Button>
      <Properties
        of={[
          ['Tool', session.status !== 'ended' && tool && <ToolNow key="tool" session={session} tool={tool} />],
          ['Tools', toolsInWords(session)],
          ['Failed', session.tools_failed > 0 && session.tools_failed],
          ['Mean time', session.mean_duration_ms != null && span(session.mean_duration_ms)],
          ['Agent', cleanLine(session.harness)],
          ['Model', session.model && cleanLine(session.model)],
          ['Kind', session.kind === 'manual' ? 'started by a person' : sessionKind(session)],
          ['Project', session.project && cleanLine(session.project)],
          [
            'Assignment',
            session.assignment_id && (
              <Link to="/assignments/$id" params={{ id: session.assignment_id }} search={keepProject}>
                {session.assignment_id}
              </Link>
            ),
          ],
          ['Folder', session.cwd && <code>{cleanLine(session.cwd)}</code>],
          ['Last sign', <RelativeTime key="last" at={session.last_activity_at} focusable />],
          ['Began', <RelativeTime key="began" at={session.started_at} focusable />],
          ['Took', session.ended_at && <Elapsed key="took" from={session.started_at} to={session.ended_at} />],
          ['Ended by', session.end_reason && cleanLine(session.end_reason)],
        ]}
      />
    </>
  );
}
