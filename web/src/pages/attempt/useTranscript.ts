import { useEffect, useState } from 'react';

import { transcriptFrom, transcriptTail } from '@/api/runs';

import { Transcript } from './transcript';

/** An attempt's transcript, opened and followed while the component is there. The number that comes with it counts its changes. */
export function useTranscript(attempt: string): [Transcript | null, number] {
  const [transcript, setTranscript] = useState<Transcript | null>(null);
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    let frame = 0;
    const opened = new Transcript({
      tail: (signal) => transcriptTail(attempt, signal),
      from: (number, wait, signal) => transcriptFrom(attempt, number, wait, signal),
      pause: (ms, signal) =>
        new Promise((go) => {
          const timer = setTimeout(go, ms);
          signal.addEventListener('abort', () => {
            clearTimeout(timer);
            go();
          });
        }),
      // Several changes within one frame are drawn once.
      onChange: () => {
        frame ||= requestAnimationFrame(() => {
          frame = 0;
          setChanges((n) => n + 1);
        });
      },
    });
    setTranscript(opened);
    void opened.start();
    return () => {
      cancelAnimationFrame(frame);
      opened.stop();
    };
  }, [attempt]);
  return [transcript, changes];
}
