import { useEffect, useState } from 'react';

import { absolute } from '@/parts/timewords';

import classes from './TimeTip.module.css';

interface Tip {
  text: string;
  left: number;
  top: number;
}

/** Shows the whole moment of any `<time>` that is pointed at or has the focus. One for the page: one for each row would cost each row. */
export function TimeTip() {
  const [tip, setTip] = useState<Tip | null>(null);
  useEffect(() => {
    const show = (event: Event) => {
      const time = event.target instanceof Element ? event.target.closest('time') : null;
      const ms = Date.parse(time?.dateTime ?? '');
      if (time === null || Number.isNaN(ms)) return setTip(null);
      const box = time.getBoundingClientRect();
      setTip({ text: absolute(ms), left: Math.max(90, Math.min(box.left + box.width / 2, window.innerWidth - 90)), top: box.top });
    };
    const hide = () => setTip(null);
    document.addEventListener('pointerover', show);
    document.addEventListener('focusin', show);
    document.addEventListener('scroll', hide, true);
    document.addEventListener('keydown', hide);
    return () => {
      document.removeEventListener('pointerover', show);
      document.removeEventListener('focusin', show);
      document.removeEventListener('scroll', hide, true);
      document.removeEventListener('keydown', hide);
    };
  }, []);
  return tip ? (
    <div role="tooltip" className={classes.tip} style={{ left: tip.left, top: tip.top }}>
      {tip.text}
    </div>
  ) : null;
}
