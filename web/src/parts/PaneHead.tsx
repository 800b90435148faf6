import { ActionIcon } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { ReactNode } from 'react';

import classes from './PaneHead.module.css';

/** The head of a row's pane: how it stands, what it is, and the way out. */
export function PaneHead({ status, title, why, close }: { status: ReactNode; title: ReactNode; why?: ReactNode; close: () => void }) {
  return (
    <>
      <div className={classes.head}>
        {status}
        <ActionIcon aria-label="Close" onClick={close} size="sm">
          <IconX size={15} aria-hidden />
        </ActionIcon>
      </div>
      <h2 className={classes.title}>{title}</h2>
      {why ? <p className={classes.why}>{why}</p> : null}
    </>
  );
}
