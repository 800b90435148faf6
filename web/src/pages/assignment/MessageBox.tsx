import { Button, Textarea, Tooltip } from '@mantine/core';
import { IconSend } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';

import { asProblem, type ApiProblem } from '@/api/problem';
import { sendMessage } from '@/api/runs';
import type { AssignmentDetail } from '@/api/types';
import { newKey } from '@/parts/forms';
import { ProblemAlert } from '@/parts/States';
import { useRefusal } from '@/shell/may';
import { say } from '@/shell/say';
import { useShortcuts } from '@/shell/shortcuts';

import classes from './Assignment.module.css';
import { hearsNothing, messageEffect } from './messages';

/** The longest message, in characters. */
const LONGEST = 60_000;

/** Says something to the agent in its own session: a job of its own, which opens again what is over. */
export function MessageBox({ assignment }: { assignment: AssignmentDetail }) {
  const [text, setText] = useState('');
  // Sent again as it stands, it is still one message; other words are another.
  const [key, setKey] = useState(newKey);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [isMissing, setMissing] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const queries = useQueryClient();
  const refusal = useRefusal('operate');
  useShortcuts([{ keys: 'm', does: 'Write to the agent', run: () => field.current?.focus() }]);

  const send = async () => {
    if (text.trim() === '' || isBusy) return;
    setBusy(true);
    setProblem(null);
    try {
      await sendMessage(assignment.id, text.trim(), key);
      say('Sent: a job takes it up in the agent’s session');
      setText('');
      setKey(newKey());
      void queries.invalidateQueries({ queryKey: ['assignment', assignment.id] });
    } catch (error) {
      const refused = asProblem(error);
      // No such route, where a missing assignment would have been seen before.
      if (refused.status === 404 || refused.status === 405) setMissing(true);
      else setProblem(refused);
    } finally {
      setBusy(false);
    }
  };
  if (isMissing)
    return (
      <p className={classes.missing} role="status">
        This daemon takes no messages yet: it is older than this page. Insert a job with what you want to say, or run{' '}
        <code>windlass insert-job {assignment.id.slice(-8)} --context "…"</code>.
      </p>
    );
  if (hearsNothing(assignment))
    return (
      <p className={classes.missing} role="status">
        Its agent is a program (command), which cannot be spoken to. Retry its job, or insert a job for another agent.
      </p>
    );
  const isOver = assignment.status === 'complete' || assignment.status === 'cancelled';
  const effect = refusal ? null : messageEffect(assignment.status);
  return (
    <div className={classes.message}>
      {effect ? <p className={classes.effect}>{effect}</p> : null}
      {problem ? <ProblemAlert problem={problem} /> : null}
      <div>
        <Textarea
          ref={field}
          aria-label="Message to the agent"
          placeholder={refusal ?? (isOver ? 'Ask for more: opens the work again in the agent’s own session' : 'Say something to the agent: goes on in its own session')}
          disabled={refusal !== null}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setKey(newKey());
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void send();
            if (event.key === 'Escape') field.current?.blur();
          }}
          autosize
          minRows={1}
          maxRows={8}
          size="xs"
          maxLength={LONGEST}
        />
        <Tooltip label={refusal} disabled={refusal === null}>
          <Button leftSection={<IconSend size={14} aria-hidden />} rightSection={<kbd aria-hidden>Ctrl ⏎</kbd>} onClick={() => void send()} loading={isBusy} data-disabled={refusal !== null || text.trim() === '' || undefined} aria-disabled={refusal !== null || text.trim() === ''}>
            Send
          </Button>
        </Tooltip>
      </div>
    </div>
  );
}
