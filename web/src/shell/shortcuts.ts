/** Keys of the whole page: one listener, a list of what is in force now, and two-key sequences (`g w`). */
import { useEffect, useRef, useSyncExternalStore } from 'react';

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

/** Counts how often something came into force or went, for those who show it. */
let changes = 0;
const listeners = new Set<() => void>();
function changed() {
  changes += 1;
  for (const listener of listeners) listener();
}

/** Puts shortcuts in force while the component is there. Where two have the same keys, the later one counts. */
export function useShortcuts(shortcuts: Shortcut[]): void {
  const place = useRef(shortcuts);
  useEffect(() => {
    const areOthers = words(place.current) !== words(shortcuts);
    place.current = shortcuts;
    if (areOthers) changed();
  });
  useEffect(() => {
    inForce.push(place);
    changed();
    return () => {
      inForce.splice(inForce.indexOf(place), 1);
      changed();
    };
  }, []);
}

const words = (shortcuts: Shortcut[]) => shortcuts.map(({ keys, does }) => `${keys} ${does}`).join('\n');

/** What is in force, each key once, as it changes. */
export function useShortcutsInForce(): Shortcut[] {
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => changes,
  );
  return shortcutsInForce();
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
