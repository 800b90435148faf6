import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';

import classes from './Dialog.module.css';

interface DialogProps {
  title: string;
  close: () => void;
  /** Its width, of Mantine's sizes or in pixels. */
  size?: string | number;
  /** A click beside it does not close it: something was written in it. */
  isKept?: boolean;
  /** Only its own buttons close it. */
  isFirm?: boolean;
  children: ReactNode;
}

/** A dialog over the page. (Its head is no `header`: that would be a second banner of the page.) */
export function Dialog({ title, close, size = 'lg', isKept = false, isFirm = false, children }: DialogProps) {
  return (
    <Modal.Root opened onClose={close} size={size} centered closeOnClickOutside={!isKept && !isFirm} closeOnEscape={!isFirm} transitionProps={{ duration: 0 }}>
      <Modal.Overlay />
      <Modal.Content>
        <div className={classes.head}>
          <Modal.Title className={classes.title}>{title}</Modal.Title>
          {isFirm ? null : <Modal.CloseButton aria-label="Close" />}
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
