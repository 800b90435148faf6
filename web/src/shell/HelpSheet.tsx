import { Dialog } from '@/parts/Dialog';

import classes from './HelpSheet.module.css';
import { useShortcutsInForce } from './shortcuts';

/** The keys that work on this page now. */
export default function HelpSheet({ close }: { close: () => void }) {
  const all = useShortcutsInForce();
  const groups = [
    { title: 'On this page', keys: all.filter((s) => !s.keys.startsWith('g ')).sort((a, b) => place(a.keys) - place(b.keys)) },
    { title: 'Go to', keys: all.filter((s) => s.keys.startsWith('g ')) },
  ];
  return (
    <Dialog title="Keys" close={close}>
      <div className={classes.groups}>
        {groups.map((group) => (
          <section key={group.title}>
            <h3 className={classes.title}>{group.title}</h3>
            <dl className={classes.list}>
              {group.keys.map((shortcut) => (
                <div key={shortcut.keys}>
                  <dt>
                    {shortcut.keys.split(' ').map((key) => (
                      <kbd key={key}>{shown(key)}</kbd>
                    ))}
                  </dt>
                  <dd>{shortcut.does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}

/** Walking first, what is everywhere last. */
const ORDER = ['j', 'k', 'o', 'Escape', '/'];
const LAST = ['mod+k', '?'];
const place = (keys: string) => (LAST.includes(keys) ? 99 : ORDER.includes(keys) ? ORDER.indexOf(keys) : 50);

const shown = (key: string) => key.replace('mod+k', 'Ctrl K').replace('Escape', 'Esc').replace('Enter', '⏎');
