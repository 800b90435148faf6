import { useCallback, useState } from 'react';

type Numbers = ReadonlySet<number>;

/** A set of numbers, the way to put one of them in or out, and the way to have it be another set. */
export function useToggles(first: () => Numbers = () => new Set()): [numbers: Numbers, toggle: (number: number) => void, set: (numbers: Numbers) => void] {
  const [numbers, setNumbers] = useState(first);
  const toggle = useCallback(
    (number: number) =>
      setNumbers((old) => {
        const next = new Set(old);
        if (!next.delete(number)) next.add(number);
        return next;
      }),
    [],
  );
  return [numbers, toggle, setNumbers];
}
