import { Button, Checkbox, Group } from '@mantine/core';

import { askToTell } from '@/notices/ask';
import { NOTICE_KINDS, NOTICE_WORDS, type NoticeKind } from '@/notices/kinds';
import { choose, switchOff, useNotices } from '@/notices/setting';
import { Nothing, Section } from '@/parts/Section';

import classes from './notifications.module.css';

/** Whether this browser tells of new things itself, and of which. */
export function BrowserSection() {
  const { permission, kinds } = useNotices();
  const isOn = kinds !== null && permission === 'granted';
  return (
    <Section
      title="In this browser"
      about="for you alone, while a tab of this page is open"
      actions={
        isOn ? (
          <Button onClick={switchOff}>Switch off</Button>
        ) : permission === 'default' || permission === 'granted' ? (
          <Button variant="filled" onClick={() => void askToTell(kinds ?? ['needs_you'])}>
            Switch on
          </Button>
        ) : null
      }
    >
      {isOn ? <Kinds kinds={kinds} /> : <Nothing>{WHY_NOT[permission]}</Nothing>}
    </Section>
  );
}

const WHY_NOT = {
  default: 'Switched off. When it is on, the browser tells of each new thing in the inbox once; it asks you first whether it may.',
  granted: 'Switched off. When it is on, the browser tells of each new thing in the inbox once.',
  denied: 'The browser refuses: somebody told it to block notifications of this address. Allow them in its settings for this site, then load the page again.',
  unsupported: 'This browser cannot: it tells only for pages that come over https, or from its own machine.',
};

function Kinds({ kinds }: { kinds: readonly NoticeKind[] }) {
  const isAll = kinds.includes('needs_you');
  return (
    <Group gap="lg" className={classes.kinds} role="group" aria-label="What is told">
      {NOTICE_KINDS.map((kind) => (
        <Checkbox
          key={kind}
          label={NOTICE_WORDS[kind]}
          checked={kinds.includes(kind) || isAll}
          disabled={isAll && kind !== 'needs_you'}
          onChange={(event) => choose(event.currentTarget.checked ? [...kinds, kind] : kinds.filter((one) => one !== kind))}
        />
      ))}
      {kinds.length === 0 ? <span className={classes.none}>Nothing is chosen, so nothing is told.</span> : null}
    </Group>
  );
}
