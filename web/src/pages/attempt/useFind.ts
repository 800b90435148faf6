import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';

import { wordsOf } from './entries';
import type { Transcript } from './transcript';

/** How many places are kept. */
const PLACES_MAX = 20_000;

export interface Find {
  words: string;
  setWords: (words: string) => void;
  /** What is looked for now, a moment after it was typed. */
  asked: string;
  /** The record that is looked at, of those where the words stand. */
  match: number | null;
  go: (by: 1 | -1) => void;
  /** How far it is, and what came of it. */
  said: string;
}

interface Places {
  numbers: number[];
  /** How many records were gone through. */
  until: number;
  problem: boolean;
}
const NOWHERE: Places = { numbers: [], until: 0, problem: false };

/** Finds words in the whole of a transcript, what is not in memory fetched piece by piece, and in what comes while it grows. */
export function useFind(transcript: Transcript | null): Find {
  const [words, setWords] = useState('');
  const [asked] = useDebouncedValue(words, 200);
  const [places, setPlaces] = useState(NOWHERE);
  const [chosen, setChosen] = useState<number | null>(null);
  const total = transcript?.records.total ?? 0;

  useEffect(() => {
    setPlaces(NOWHERE);
    setChosen(null);
  }, [transcript, asked]);

  const stop = useRef(new AbortController());
  const isReading = useRef(false);
  useEffect(() => {
    stop.current = new AbortController();
    isReading.current = false;
    return () => stop.current.abort();
  }, [transcript, asked]);
  // One piece a turn keeps the page answering; what it brings begins the next turn, and so does what the agent prints meanwhile.
  useEffect(() => {
    if (!transcript || asked === '' || isReading.current || places.until >= total || places.problem || places.numbers.length >= PLACES_MAX) return;
    const { signal } = stop.current;
    const wanted = asked.toLowerCase();
    isReading.current = true;
    const read = async () => {
      const piece = await transcript.scan(places.until, 1, signal).next();
      const items = piece.done ? [] : piece.value;
      if (signal.aborted) return;
      isReading.current = false;
      const found = items.filter((item) => wordsOf(item).toLowerCase().includes(wanted)).map((item) => item.number);
      const until = Math.max((items.at(-1)?.number ?? total) + 1, places.until + 1);
      setPlaces({ numbers: found.length > 0 ? [...places.numbers, ...found] : places.numbers, until, problem: false });
    };
    read().catch(() => {
      if (!signal.aborted) setPlaces((old) => ({ ...old, problem: true }));
    });
  }, [transcript, asked, places, total]);

  const { numbers } = places;
  const at = chosen === null ? -1 : numbers.indexOf(chosen);
  const first = numbers[0];
  // The first place is gone to by itself, once.
  useEffect(() => {
    if (asked !== '' && first !== undefined) setChosen((old) => old ?? first);
  }, [asked, first]);
  const isDone = places.until >= total || numbers.length >= PLACES_MAX;
  const count = numbers.length.toLocaleString('en-GB');
  return {
    words,
    setWords,
    asked,
    match: asked === '' ? null : chosen,
    go: (by) => {
      if (numbers.length > 0) setChosen(numbers[(at + by + numbers.length) % numbers.length]!);
    },
    said:
      asked === ''
        ? ''
        : places.problem
          ? `${count} found; the rest could not be read`
          : !isDone
            ? `${count} found, ${Math.floor((100 * places.until) / Math.max(total, 1))} % read`
            : numbers.length === 0
              ? 'Not found'
              : `${at + 1} of ${count}`,
  };
}
