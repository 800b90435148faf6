/** What can be done on the page that is looked at, for the palette: most of it has no key of its own. */
import { useEffect, useRef } from 'react';

export interface Doable {
  does: string;
  run: () => void;
}

const offered: { current: readonly Doable[] }[] = [];

/** Offers it while the component is there. */
export function useDoable(what: readonly Doable[]): void {
  const place = useRef(what);
  useEffect(() => {
    place.current = what;
  });
  useEffect(() => {
    offered.push(place);
    return () => {
      offered.splice(offered.indexOf(place), 1);
    };
  }, []);
}

/** What is offered now. */
export const doableNow = (): Doable[] => offered.flatMap((place) => place.current);
