import { Button, Group, Popover, Text, Tooltip, type ButtonProps } from '@mantine/core';
import { useState, type ReactNode } from 'react';

/** A button for what destroys or costs: it says what will happen and asks once more. `refused` is why it cannot be pressed. */
export function ConfirmButton({
  question,
  yes,
  onConfirm,
  refused,
  children,
  ...button
}: { question: string; yes: string; onConfirm: () => void; refused?: string | null; children: ReactNode } & ButtonProps) {
  const [isOpen, setOpen] = useState(false);
  if (refused) return <RefusedButton reason={refused} {...button}>{children}</RefusedButton>;
  return (
    <Popover opened={isOpen} onChange={setOpen} withArrow trapFocus returnFocus width={280}>
      <Popover.Target>
        <Button {...button} onClick={() => setOpen((open) => !open)}>
          {children}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Text size="sm" mb="xs">
          {question}
        </Text>
        <Group gap="xs" justify="flex-end">
          <Button data-autofocus onClick={() => setOpen(false)}>
            Keep it
          </Button>
          <Button
            variant="filled"
            color="red.8"
            onClick={() => {
              setOpen(false);
              onConfirm();
            }}
          >
            {yes}
          </Button>
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}

/** A button that cannot be pressed, and says why to pointer, keyboard and screen reader. */
export function RefusedButton({ reason, children, ...button }: { reason: string; children: ReactNode } & ButtonProps) {
  return (
    <Tooltip label={reason}>
      <Button {...button} data-disabled aria-disabled onClick={(event) => event.preventDefault()}>
        {children}
      </Button>
    </Tooltip>
  );
}
