/** What is loaded when somebody opens it; where it cannot be loaded, that is said in its place. */
import { Button, Group } from '@mantine/core';
import { useEffect, useRef, useState, type ComponentType } from 'react';

import { EmptyState, Skeleton } from '@/parts/States';

import classes from './late.module.css';
import { answers } from './UnloadedPage';

type State = 'there' | 'loading' | 'failed';

/** Makes a component of one that is loaded when it is first drawn. What has a `close` is a dialog; everything else stands in the page. */
export function late<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>): ComponentType<Props> {
  let Loaded: ComponentType<Props> | null = null;
  return function Late(props: Props) {
    const [state, setState] = useState<State>(Loaded ? 'there' : 'loading');
    const failures = useRef(0);
    useEffect(() => {
      if (state !== 'loading') return;
      let isWanted = true;
      const become = (next: State) => isWanted && setState(next);
      const failed = async () => {
        failures.current += 1;
        // A daemon that answers and has it not is another version: then the whole is loaded anew.
        if (failures.current > 1 && (await answers())) window.location.reload();
        else become('failed');
      };
      mendStyles().then(load).then((module) => {
        Loaded = module.default;
        become('there');
      }, failed);
      return () => {
        isWanted = false;
      };
    }, [state]);
    if (state === 'there' && Loaded) return <Loaded {...props} />;
    const close = 'close' in props ? (props.close as () => void) : null;
    if (state === 'loading') return close ? null : <Skeleton rows={12} />;
    const said = (
      <EmptyState title="This could not be loaded">
        <p>Windlass does not answer, and this was not opened before. What is on the page stays.</p>
        <Group gap="xs" justify="center">
          {close ? <Button onClick={close}>Close</Button> : null}
          <Button variant="filled" autoFocus onClick={() => setState('loading')}>
            Try again
          </Button>
        </Group>
      </EmptyState>
    );
    if (!close) return said;
    // No dialog of the usual kind: that is loaded late, too.
    return (
      <div role="alertdialog" aria-label="Not loaded" className={classes.over} onKeyDown={(event) => event.key === 'Escape' && close()}>
        {said}
      </div>
    );
  };
}

/** Style sheets that failed are asked for again: the loader of modules does that for modules only. */
async function mendStyles(): Promise<void> {
  const failed = [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].filter((link) => link.sheet === null);
  await Promise.all(
    failed.map(
      (link) =>
        new Promise((done, fail) => {
          const again = link.cloneNode() as HTMLLinkElement;
          again.onload = done;
          again.onerror = fail;
          link.replaceWith(again);
        }),
    ),
  );
}
