import { Button, type ButtonProps } from '@mantine/core';
import type { ReactNode } from 'react';

import type { ApiProblem } from '@/api/problem';
import { saying } from '@/shell/say';

import { ConfirmButton, RefusedButton } from './ConfirmButton';

interface ActButtonProps extends ButtonProps {
  /** What is said when it is done. */
  done: string;
  act: () => Promise<unknown>;
  /** Why it cannot be pressed. */
  refused?: string | null;
  /** Shows a refusal beside the button, in place of the status line; hears null when it is done. */
  onRefusal?: (problem: ApiProblem | null) => void;
  /** Asks this first; `yes` is the word of the button that does it. */
  confirm?: { question: string; yes: string };
  children: ReactNode;
}

/** Does one thing and says how that went; asks first where `confirm` says so. */
export function ActButton({ done, act, refused, onRefusal, confirm, children, ...button }: ActButtonProps) {
  const run = () => void saying(done, act, onRefusal);
  if (confirm)
    return (
      <ConfirmButton {...button} {...confirm} refused={refused} onConfirm={run}>
        {children}
      </ConfirmButton>
    );
  if (refused)
    return (
      <RefusedButton {...button} reason={refused}>
        {children}
      </RefusedButton>
    );
  return (
    <Button {...button} onClick={run}>
      {children}
    </Button>
  );
}
