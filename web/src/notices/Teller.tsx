import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';

import { inbox } from '@/api/queries';

import { noticesOf, whatIsNew, type Notice } from './notices';
import type { NoticeKind } from './kinds';
import { keepKnown, knownKeys } from './setting';

/** Tells of what is new in the inbox, of all projects. Of the tabs that are open one tells; when it is closed, another does. */
export default function Teller({ kinds }: { kinds: readonly NoticeKind[] }) {
  const since = useTurn();
  const navigate = useNavigate();
  const { data, dataUpdatedAt } = useQuery({ ...inbox(), enabled: since !== null, staleTime: 0 });
  useEffect(() => {
    // What this tab saw before its turn may be old.
    if (!data || since === null || dataUpdatedAt < since) return;
    const { fresh, known } = whatIsNew(data.items, knownKeys(), kinds);
    // First kept, then told: a fault between them loses a word, and tells nothing twice.
    if (!keepKnown(known)) return;
    for (const notice of noticesOf(fresh)) show(notice, (path) => void navigate({ href: path }));
  }, [data, dataUpdatedAt, since, kinds, navigate]);
  return null;
}

function show({ tag, title, body, path }: Notice, open: (path: string) => void): void {
  let notice: Notification;
  try {
    notice = new Notification(title, { tag, body });
  } catch {
    // Browsers of phones have the word, but show nothing for a page.
    return;
  }
  notice.onclick = () => {
    window.focus();
    notice.close();
    open(path);
  };
}

/** Since when it is this tab's turn, in milliseconds of the browser's clock; null while it is another's. */
function useTurn(): number | null {
  const [since, setSince] = useState<number | null>(null);
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    const end = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    navigator.locks
      .request('windlass.notices', { signal }, () => {
        setSince(Date.now());
        return end;
      })
      // Ended before its turn came.
      .catch(() => {});
    return () => {
      ending.abort();
      setSince(null);
    };
  }, []);
  return since;
}
