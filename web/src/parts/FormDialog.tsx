import { Button, Group, Stack } from '@mantine/core';
import { useState, type ReactNode } from 'react';

import { asProblem, type ApiProblem } from '@/api/problem';

import { RefusedButton } from './ConfirmButton';
import { Dialog } from './Dialog';
import { ProblemAlert } from './States';

interface FormDialogProps {
  title: string;
  size?: string | number;
  close: () => void;
  /** A click beside it does not close it: something was written in it. */
  isKept?: boolean;
  /** The word of the button that sends it. */
  yes: string;
  isDanger?: boolean;
  /** A long text is written in it: the button says that Ctrl and Enter send it. */
  isLong?: boolean;
  /** Why whoever is signed in may not send it. */
  refused?: string | null;
  /** Something is missing or wrong: then it is not sent, and its fields say what. */
  isWrong?: boolean;
  /** Sends it; a refusal that it throws is shown, and what was written stays. */
  send: () => Promise<unknown>;
  /** The fields, told whether somebody has tried to send them: before that, nothing is called wrong. */
  children: (isAsked: boolean) => ReactNode;
}

/** A dialog that asks for something and sends it. Ctrl and Enter send it, too. */
export function FormDialog({ title, size, close, isKept, yes, isDanger = false, isLong = false, refused = null, isWrong = false, send, children }: FormDialogProps) {
  const [isAsked, setAsked] = useState(false);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const submit = async () => {
    setAsked(true);
    if (isWrong || isSending || refused) return;
    setSending(true);
    setProblem(null);
    try {
      await send();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setSending(false);
    }
  };
  return (
    <Dialog title={title} size={size} close={close} isKept={isKept}>
      <form
        autoComplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void submit();
        }}
      >
        <Stack gap="sm">
          {children(isAsked)}
          {problem ? <ProblemAlert problem={problem} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button onClick={close}>Cancel</Button>
            {refused ? (
              <RefusedButton reason={refused}>{yes}</RefusedButton>
            ) : (
              <Button type="submit" variant="filled" color={isDanger ? 'red.8' : undefined} disabled={isSending} rightSection={isLong ? <kbd aria-hidden>Ctrl ⏎</kbd> : undefined}>
                {isSending ? 'Sending…' : yes}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
