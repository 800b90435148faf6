import { Button, TextInput } from '@mantine/core';
import { IconArrowBarToDown, IconSearch } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef, useState } from 'react';

import { EitherOr } from '@/parts/EitherOr';
import { Lines } from '@/parts/Lines';
import { EmptyState, ErrorState, ProblemAlert, Skeleton } from '@/parts/States';
import { useToggles } from '@/parts/useToggles';
import { say } from '@/shell/say';
import { useShortcuts } from '@/shell/shortcuts';

import { isTool, isTrouble } from './entries';
import classes from './Transcript.module.css';
import { TranscriptRow } from './TranscriptRow';
import { useFind } from './useFind';
import { useMarkInSight } from './useMarkInSight';
import { useTranscript } from './useTranscript';

/** How high a record is taken to be until it is drawn. It never changes, so that what is in sight stays where it is. */
const HEIGHT = 24;

/** What an agent printed: the end first, followed while it grows; only what is in sight is drawn. */
export function TranscriptView({ attempt, isLive }: { attempt: string; isLive: boolean }) {
  const [transcript, changes] = useTranscript(attempt);
  const scroller = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const [raw, setRaw] = useState(false);
  const [opened, toggle] = useToggles();
  const [withLine, toggleLine] = useToggles();
  const [current, setCurrent] = useState<number | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const find = useFind(transcript);
  const total = transcript?.records.total ?? 0;
  const state = transcript?.state ?? { is: 'opening' };
  const reading = transcript?.entries();

  const virtual = useVirtualizer<HTMLDivElement, Element>({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    overscan: 12,
    onChange: (instance) => {
      const { range } = instance;
      if (range) transcript?.look(range.startIndex, range.endIndex);
    },
  });

  // A daemon that cannot begin at the end tells an old transcript from its beginning: there it stays.
  const follows = isFollowing && (isLive || transcript?.beganAtEnd === true);
  useEffect(() => {
    if (follows && total > 0) virtual.scrollToIndex(total - 1, { align: 'end' });
  }, [follows, total, changes, virtual]);

  const lastTop = useRef(0);
  const isAtEnd = (virtual.range?.endIndex ?? total) >= total - 1;
  const onScroll = () => {
    const place = scroller.current!;
    const below = place.scrollHeight - place.scrollTop - place.clientHeight;
    if (place.scrollTop < lastTop.current - 2 && below > 40) setFollowing(false);
    else if (below < 4) setFollowing(true);
    lastTop.current = place.scrollTop;
  };

  const goTo = useCallback(
    (number: number) => {
      setFollowing(false);
      setCurrent(number);
      transcript?.look(number - 20, number + 20);
      virtual.scrollToIndex(number, { align: 'center' });
    },
    [transcript, virtual],
  );
  const { match } = find;
  useEffect(() => {
    if (match !== null) goTo(match);
  }, [match, goTo]);
  // What is shown with another record is looked at there.
  const shown = current === null ? null : (reading?.shownAt.get(current) ?? current);
  const isAtMatch = match !== null && current === match;
  useEffect(() => {
    if (isAtMatch && shown !== null && shown !== match) virtual.scrollToIndex(shown, { align: 'center' });
  }, [isAtMatch, match, shown, virtual]);
  const bringAgain = useMarkInSight(scroller, virtual, isAtMatch ? `${match} ${find.asked}` : null);
  const toPlace = (by: 1 | -1) => {
    find.go(by);
    // The only place there is may be out of sight again.
    bringAgain();
    if (match !== null) goTo(match);
  };

  const step = (by: 1 | -1) => {
    const inSight = virtual.range;
    let number = shown ?? (by > 0 ? (inSight?.startIndex ?? 0) - 1 : (inSight?.endIndex ?? total));
    do number += by;
    while (number >= 0 && number < total && !raw && transcript?.records.at(number) && !reading?.entries.has(number));
    if (number < 0 || number >= total) return;
    setFollowing(false);
    setCurrent(number);
    virtual.scrollToIndex(number, { align: 'auto' });
  };
  const seeking = useRef<AbortController>(null);
  useEffect(() => () => seeking.current?.abort(), []);
  const seek = async (by: 1 | -1, is: typeof isTool, what: string) => {
    seeking.current?.abort();
    const { signal } = (seeking.current = new AbortController());
    const start = current ?? (by > 0 ? (virtual.range?.startIndex ?? 0) - 1 : (virtual.range?.endIndex ?? total));
    try {
      const found = await transcript?.seek(start, by, is, signal);
      if (found === null) say(`No ${what} ${by > 0 ? 'after' : 'before'} this`);
      else if (found !== undefined) goTo(found);
    } catch {
      if (!signal.aborted) say('The transcript could not be read to its end', true);
    }
  };
  const toFind = () => field.current?.select();
  useShortcuts([
    { keys: 'j', does: 'Next record', run: () => step(1) },
    { keys: 'k', does: 'Record before', run: () => step(-1) },
    { keys: 'o', does: 'Open or fold the record', run: () => shown !== null && toggle(shown) },
    { keys: '/', does: 'Find in the transcript', run: toFind },
    { keys: 'mod+f', does: 'Find in the transcript', run: toFind, inInputs: true },
    { keys: 'n', does: 'Next place found', run: () => toPlace(1) },
    { keys: 'N', does: 'Place found before', run: () => toPlace(-1) },
    { keys: 'e', does: 'Next error', run: () => void seek(1, isTrouble, 'error') },
    { keys: 'E', does: 'Error before', run: () => void seek(-1, isTrouble, 'error') },
    { keys: 't', does: 'Next call of a tool', run: () => void seek(1, isTool, 'call of a tool') },
    { keys: 'T', does: 'Call of a tool before', run: () => void seek(-1, isTool, 'call of a tool') },
    { keys: 'f', does: 'Follow, or stop', run: () => setFollowing((on) => !on) },
    { keys: 'r', does: 'Show lines as they were printed, or what they mean', run: () => setRaw((on) => !on) },
  ]);

  if (state.is === 'opening') return <Skeleton rows={16} />;
  if (state.is === 'failed' && total === 0) return <ErrorState problem={state.problem} />;
  const isEmpty = total === 0;
  return (
    <section className={classes.view} aria-label="Transcript">
      <div className={classes.bar}>
        <TextInput
          ref={field}
          className={classes.find}
          aria-label="Find in the transcript"
          placeholder="Find in the transcript"
          leftSection={<IconSearch size={14} aria-hidden />}
          rightSection={<kbd aria-hidden>/</kbd>}
          value={find.words}
          onChange={(event) => find.setWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') toPlace(event.shiftKey ? -1 : 1);
            if (event.key === 'Escape') {
              if (find.words) find.setWords('');
              else field.current?.blur();
            }
          }}
          spellCheck={false}
          autoComplete="off"
          maxLength={200}
        />
        <span className={classes.found} role="status">
          {find.said}
        </span>
        <Button onClick={() => void seek(1, isTrouble, 'error')}>Next error</Button>
        <Button onClick={() => void seek(1, isTool, 'call of a tool')}>Next tool</Button>
        <EitherOr label="How it is shown" off="Readable" on="Raw" isOn={raw} set={setRaw} />
        <span className={classes.count}>
          {total.toLocaleString('en-GB')} {total === 1 ? 'record' : 'records'}
          {state.is === 'growing' && !isLive ? ' so far' : ''}
        </span>
        {isLive || !isAtEnd ? (
          <Button leftSection={<IconArrowBarToDown size={14} aria-hidden />} variant={follows ? 'light' : 'default'} aria-pressed={follows} onClick={() => (isLive ? setFollowing(!isFollowing) : goTo(total - 1))}>
            {isLive ? (follows ? 'Following' : 'Follow') : 'To the end'}
          </Button>
        ) : null}
      </div>
      {state.is === 'failed' ? <ProblemAlert problem={state.problem} /> : null}
      {isEmpty ? (
        <EmptyState title={isLive ? 'Nothing printed yet' : 'Nothing is kept of what it printed'}>
          {isLive ? 'What the agent prints is here as soon as it does.' : 'It printed nothing, or housekeeping has removed its transcript.'}
        </EmptyState>
      ) : (
        <Lines virtual={virtual} scroller={scroller} current={shown} onScroll={onScroll} role="log" aria-live="off" aria-label="What the agent printed">
          {(index) => {
            const item = transcript!.records.at(index);
            const entries = reading!.entries.get(index);
            if (!item) return <div className={classes.gone} />;
            if (!entries && !raw) return null;
            return (
              <TranscriptRow
                item={item}
                entries={entries ?? []}
                raw={raw}
                isOpen={opened.has(index) || (match !== null && index === shown)}
                find={find.asked}
                isLive={isLive}
                toggle={toggle}
                withLine={withLine.has(index)}
                toggleLine={toggleLine}
              />
            );
          }}
        </Lines>
      )}
    </section>
  );
}
