import { IconAlertTriangle, IconBulb, IconCheck, IconChevronDown, IconChevronRight, IconClock, IconFlag, IconX } from '@tabler/icons-react';
import { memo } from 'react';

import type { TranscriptItem } from '@/api/runs';
import { cleanText } from '@/parts/clean';
import { Elapsed } from '@/parts/times';
import { span, exactTime } from '@/parts/timewords';

import type { Entry } from './entries';
import { Marked } from './Marked';
import classes from './Transcript.module.css';

interface RowProps {
  item: TranscriptItem;
  entries: readonly Entry[];
  /** Whether what is folded is shown whole. */
  isOpen: boolean;
  /** Whether the line as it was printed is shown beneath. */
  withLine: boolean;
  /** Whether the lines are shown as they were printed. */
  raw: boolean;
  /** What is looked for, to be marked. */
  find: string;
  /** Whether the agent still runs: a call without a result goes on. */
  isLive: boolean;
  toggle: (number: number) => void;
  toggleLine: (number: number) => void;
}

/** One record of a transcript. What is long is folded; its time shows the line as it was printed. */
export const TranscriptRow = memo(function TranscriptRow({ item, entries, isOpen, withLine, raw, find, isLive, toggle, toggleLine }: RowProps) {
  const time = exactTime(Date.parse(item.at));
  return (
    <div className={classes.row} data-stream={item.stream}>
      <button type="button" className={classes.number} onClick={() => toggleLine(item.number)} aria-expanded={withLine} aria-label={`Record ${item.number + 1} as it was printed`} title={`Record ${item.number + 1}, ${item.at}`} tabIndex={-1}>
        {time}
      </button>
      <div className={classes.content}>
        {raw ? (
          <pre className={classes.line}>
            <Marked text={cleanText(item.line)} find={find} whole={isOpen} />
          </pre>
        ) : (
          entries.map((entry, n) => <EntryView key={n} entry={entry} item={item} isOpen={isOpen} find={find} isLive={isLive} toggle={toggle} />)
        )}
        {withLine && !raw ? (
          <div className={classes.raw}>
            <span>As it was printed to {item.stream === 'windlass' ? 'the transcript by Windlass' : item.stream}</span>
            <pre>
              <Marked text={cleanText(item.line)} find={find} whole />
            </pre>
          </div>
        ) : null}
      </div>
    </div>
  );
});

function EntryView({ entry, item, isOpen, find, isLive, toggle }: Omit<RowProps, 'entries' | 'raw' | 'withLine' | 'toggleLine'> & { entry: Entry }) {
  const flip = () => toggle(item.number);
  switch (entry.is) {
    case 'text':
      return (
        <p className={classes.text}>
          <Marked text={entry.text} find={find} whole={isOpen} />
        </p>
      );
    case 'thinking':
      return (
        <Fold isOpen={isOpen} flip={flip} head={<><IconBulb size={13} aria-hidden /> Thinking</>} gist={firstLine(entry.text)} find={find}>
          <p className={classes.text}>
            <Marked text={entry.text} find={find} whole />
          </p>
        </Fold>
      );
    case 'tool':
      return (
        <Fold
          isOpen={isOpen}
          flip={flip}
          head={
            <>
              <ToolSign ok={entry.ok} isLive={isLive} />
              <b>{entry.name}</b>
            </>
          }
          gist={entry.summary}
          find={find}
          right={
            entry.took !== null ? (
              span(entry.took)
            ) : isLive ? (
              <Elapsed from={item.at} to={null} />
            ) : (
              'no result'
            )
          }
        >
          {entry.input === '' ? null : <Block label="Arguments" text={entry.input} find={find} />}
          {entry.output === null ? null : entry.output === '' ? <p className={classes.none}>It answered nothing.</p> : <Block label={entry.ok ? 'Result' : 'Failed with'} text={entry.output} find={find} />}
        </Fold>
      );
    case 'result':
      return (
        <Fold isOpen={isOpen} flip={flip} head={<><ToolSign ok={entry.ok} isLive={false} /> Result of an earlier call</>} gist={firstLine(entry.output)} find={find}>
          <Block label="Result" text={entry.output} find={find} />
        </Fold>
      );
    case 'line':
      return (
        <pre className={classes.line} data-from={entry.from}>
          {entry.from === 'stdout' ? null : <b>{entry.from === 'stderr' ? 'stderr ' : 'Windlass '}</b>}
          <Marked text={entry.text} find={find} whole={isOpen} />
        </pre>
      );
    case 'notice':
      return (
        <p className={classes.notice}>
          <IconAlertTriangle size={13} aria-hidden /> <Marked text={entry.text} find={find} whole={isOpen} />
        </p>
      );
    case 'end':
      return (
        <p className={classes.end} data-ok={entry.ok}>
          <IconFlag size={13} aria-hidden />
          <span>
            {entry.ok ? 'The agent says that it is done.' : 'The agent ended with an error.'} <Marked text={entry.text} find={find} whole={isOpen} />
          </span>
        </p>
      );
    default:
      return (
        <p className={classes.aside}>
          <Marked text={entry.text} find={find} whole={isOpen} />
        </p>
      );
  }
}

const firstLine = (text: string) => text.slice(0, 400).split('\n').find((line) => line.trim() !== '') ?? '';

function ToolSign({ ok, isLive }: { ok: boolean | null; isLive: boolean }) {
  if (ok === null) return <IconClock size={14} className={classes.running} aria-label={isLive ? 'running' : 'without a result'} />;
  return ok ? <IconCheck size={14} className={classes.good} aria-label="succeeded" /> : <IconX size={14} className={classes.bad} aria-label="failed" />;
}

function Block({ label, text, find }: { label: string; text: string; find: string }) {
  return (
    <div className={classes.block}>
      <span>{label}</span>
      <pre>
        <Marked text={text} find={find} whole={text.length < 60_000} />
      </pre>
    </div>
  );
}

interface FoldProps {
  isOpen: boolean;
  flip: () => void;
  head: React.ReactNode;
  gist: string;
  find: string;
  right?: React.ReactNode;
  children: React.ReactNode;
}

function Fold({ isOpen, flip, head, gist, find, right, children }: FoldProps) {
  return (
    <div className={classes.fold} data-open={isOpen || undefined}>
      <button type="button" className={classes.head} onClick={flip} aria-expanded={isOpen} tabIndex={-1}>
        {isOpen ? <IconChevronDown size={13} aria-hidden /> : <IconChevronRight size={13} aria-hidden />}
        <span className={classes.name}>{head}</span>
        <span className={classes.gist}>
          <Marked text={gist} find={find} />
        </span>
        {right ? <span className={classes.took}>{right}</span> : null}
      </button>
      {isOpen ? <div className={classes.inside}>{children}</div> : null}
    </div>
  );
}
