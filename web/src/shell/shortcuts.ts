/** Keys of the whole page: one listener, a list of what is in force now, and two-key sequences (`g w`). */
import { useEffect, useRef } from 'react';

export interface Shortcut {
  /** `j`, `?`, `/`, `Escape`, `mod+k`, or two keys one after the other: `g w`. */
  keys: string;
  /** What it does, for the help sheet. */
  does: string;
  run: () => void;
  /** Also while somebody types. */
  inInputs?: boolean;
}

const inForce: { current: Shortcut[] }[] = [];
const SEQUENCE_MS = 1_200;
let first: { key: string; at: number } | null = null;

/** Puts shortcuts in force while the component is there. Where two have the same keys, the later one counts. */
export function useShortcuts(shortcuts: Shortcut[]): void {
  const place = useRef(shortcuts);
  useEffect(() => {
    place.current = shortcuts;
  });
  useEffect(() => {
    inForce.push(place);
    return () => {
      inForce.splice(inForce.indexOf(place), 1);
    };
  }, []);
}

/** What is in force now, each key once. */
export function shortcutsInForce(): Shortcut[] {
  const seen = new Map<string, Shortcut>();
  for (const place of inForce) for (const shortcut of place.current) seen.set(shortcut.keys, shortcut);
  return [...seen.values()];
}

/** Starts to listen; the function that comes back ends it. */
export function listenForShortcuts(): () => void {
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const mod = event.ctrlKey || event.metaKey;
  const key = mod ? `mod+${event.key.toLowerCase()}` : event.key;
  const isTyping = isEditable(event.target);
  const isInDialog = document.querySelector('[role="dialog"][aria-modal="true"]') !== null;
  const sequence = first && event.timeStamp - first.at < SEQUENCE_MS ? `${first.key} ${key}` : null;
  first = null;
  const all = shortcutsInForce();
  const found = all.find((s) => s.keys === sequence) ?? all.find((s) => s.keys === key);
  if (found && (found.inInputs || (!isTyping && !isInDialog))) {
    event.preventDefault();
    found.run();
  } else if (!isTyping && !mod && all.some((s) => s.keys.startsWith(`${key} `))) {
    first = { key, at: event.timeStamp };
  }
}

function isEditable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
