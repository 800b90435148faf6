import type { Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type RefObject } from 'react';

/**
 * Brings the mark of what was found into view, once for each `wanted`, as soon as its record is drawn: a record may be many times as high as the
 * window, and what is printed in it scrolls by itself. Null: nothing is looked for. Gives what makes it do so again.
 */
export function useMarkInSight(scroller: RefObject<HTMLDivElement | null>, virtual: Virtualizer<HTMLDivElement, Element>, wanted: string | null): () => void {
  const brought = useRef<string | null>(null);
  // After each drawing: the record comes into the page some drawings after it was asked for.
  useEffect(() => {
    if (wanted === null) brought.current = null;
    if (wanted === brought.current) return;
    const record = scroller.current?.querySelector('[data-current]');
    // The line that stands for a folded record may be cut before the mark.
    const mark = record?.querySelector('pre mark, p mark') ?? record?.querySelector('mark');
    if (!scroller.current || !mark) return;
    brought.current = wanted;
    const box = mark.closest('pre');
    if (box) box.scrollTop += middle(mark) - middle(box);
    virtual.scrollToOffset(scroller.current.scrollTop + middle(mark) - middle(scroller.current));
  });
  return () => (brought.current = null);
}

/** The middle of what is seen of an element, in pixels from the top of the window. */
function middle(element: Element): number {
  const { top, height } = element.getBoundingClientRect();
  return top + height / 2;
}
