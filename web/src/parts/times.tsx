/** Moments and spans in words. The whole of a moment is shown by `TimeTip` when somebody points at it or comes to it by keyboard. */
import { memo } from 'react';

import { serverNow, useRunningText, useTimeText } from './clock';
import { clockTime, relative, shortSpan, span } from './timewords';

/** A moment beside now (`5 min ago`), with the whole of it on hover. `focusable` where it stands alone, outside a row that has the focus. */
export const RelativeTime = memo(function RelativeTime({ at, focusable = false }: { at: string; focusable?: boolean }) {
  const ms = Date.parse(at);
  const text = useTimeText((now) => relative(ms, now));
  if (Number.isNaN(ms)) return null;
  return (
    <time dateTime={at} tabIndex={focusable ? 0 : undefined}>
      {text}
    </time>
  );
});

/** How long something took, or has gone on. It counts only while there is no end, and the daemon is there to tell of one. */
export const Elapsed = memo(function Elapsed({ from, to, short = false }: { from: string; to: string | null | undefined; short?: boolean }) {
  const start = Date.parse(from);
  const text = useRunningText((now) => (short ? shortSpan : span)((to ? Date.parse(to) : now) - start));
  return <span>{text}</span>;
});

/**
 * When a wait ends by itself: `until 14:05 (in 3 min)`, in a narrow place `until 14:05`; of what happens then, `at 14:05 (in 3 min)`. Past it, that
 * it is due.
 */
export const Until = memo(function Until({ at, short = false, happens = false }: { at: string; short?: boolean; happens?: boolean }) {
  const ms = Date.parse(at);
  const [due, word] = happens ? ['now', 'at'] : ['due now', 'until'];
  const text = useTimeText((now) => (now >= ms ? due : `${word} ${clockTime(ms, now)}${short ? '' : ` (${relative(ms, now)})`}`));
  return <time dateTime={at}>{text}</time>;
});

/** A moment as a time of day, for sentences. */
export const at = (iso: string | number) => clockTime(typeof iso === 'number' ? iso : Date.parse(iso), serverNow());
