import { Button, Select } from '@mantine/core';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef, useState } from 'react';

import { asProblem } from '@/api/problem';
import { diff as diffOf, type Diff } from '@/api/runs';
import type { AssignmentDetail } from '@/api/types';
import { cleanLine, cleanText } from '@/parts/clean';
import { EitherOr } from '@/parts/EitherOr';
import { Lines } from '@/parts/Lines';
import { EmptyState, ErrorState, Skeleton } from '@/parts/States';
import { useToggles } from '@/parts/useToggles';
import { useShortcuts } from '@/shell/shortcuts';

import classes from './Diff.module.css';
import { pairs, parsePatch, treeOf, type Hunk, type Pair, type PatchFile, type PatchLine } from './patch';

/** What an assignment's branch changes. */
export default function DiffView({ assignment }: { assignment: AssignmentDetail }) {
  const asked = useQuery({ ...diffOf(assignment.id, assignment.head_commit), enabled: Boolean(assignment.branch) });
  if (!assignment.branch) return <EmptyState title="No branch yet">What the work changes is here once its first job has begun.</EmptyState>;
  if (asked.isPending) return <Skeleton rows={12} />;
  if (!asked.data) return <ErrorState problem={asProblem(asked.error)} retry={() => void asked.refetch()} />;
  return <Loaded key={asked.data.head ?? 'now'} diff={asked.data} refetch={() => void asked.refetch()} isOver={assignment.ended_at != null} />;
}

type Line =
  | { is: 'file'; file: number }
  | { is: 'hunk'; hunk: Hunk }
  | { is: 'line'; line: PatchLine }
  | { is: 'pair'; pair: Pair }
  | { is: 'remark'; text: string };

/** Files with more lines than this are folded at first. */
const LONG = 1_500;

function Loaded({ diff, refetch, isOver }: { diff: Diff; refetch: () => void; isOver: boolean }) {
  const files = useMemo(() => parsePatch(diff.patch), [diff.patch]);
  const [isSplit, setSplit] = useState(false);
  const [folded, flip, setFolded] = useToggles(() => new Set(files.flatMap((file, n) => (linesOf(file) > LONG ? [n] : []))));
  const [current, setCurrent] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const tree = useMemo(() => treeOf(files.map((file) => file.path)), [files]);
  const lines = useMemo(() => flatten(files, folded, isSplit), [files, folded, isSplit]);
  // What the patch does not show because it was cut before.
  const shown = new Set(files.flatMap((file) => [file.path, file.from]));
  const missing = diff.files.filter((file) => !shown.has(file.path));
  const virtual = useVirtualizer<HTMLDivElement, Element>({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (n) => (lines[n]?.is === 'file' ? 36 : 20),
    overscan: 20,
    getItemKey: (n) => keyOf(lines, n),
  });
  const goTo = (file: number) => {
    setCurrent(file);
    const at = lines.findIndex((line) => line.is === 'file' && line.file === file);
    if (at >= 0) virtual.scrollToIndex(at, { align: 'start' });
  };
  const inOrder = files.map((_, n) => n);
  useShortcuts([
    { keys: 'j', does: 'Next file', run: () => goTo(Math.min(inOrder.length - 1, current + 1)) },
    { keys: 'k', does: 'File before', run: () => goTo(Math.max(0, current - 1)) },
    { keys: 'o', does: 'Fold or open the file', run: () => flip(current) },
    { keys: 's', does: 'One column or two', run: () => setSplit((on) => !on) },
  ]);
  const added = diff.files.reduce((sum, file) => sum + file.insertions, 0);
  const removed = diff.files.reduce((sum, file) => sum + file.deletions, 0);
  if (diff.files.length === 0)
    return (
      <EmptyState title={isOver ? 'Nothing was changed' : 'Nothing is committed yet'}>
        {isOver ? 'The branch ends where it began.' : <Button onClick={refetch}>Look again</Button>}
      </EmptyState>
    );
  const allFolded = folded.size === files.length;
  return (
    <div className={classes.view}>
      <div className={classes.bar}>
        <span>
          {diff.files.length} {diff.files.length === 1 ? 'file' : 'files'} <Counts added={added} removed={removed} />
        </span>
        {diff.head ? null : (
          <>
            <span className={classes.dim}>not committed yet</span>
            <Button onClick={refetch}>Look again</Button>
          </>
        )}
        <Select
          className={classes.jump}
          aria-label="Go to a file"
          placeholder="Go to a file"
          data={files.map((file, n) => ({ value: String(n), label: cleanLine(file.path) || 'a file' }))}
          value={null}
          onChange={(value) => value !== null && goTo(Number(value))}
          searchable
        />
        <div className={classes.right}>
          <Button onClick={() => setFolded(allFolded ? new Set() : new Set(inOrder))}>{allFolded ? 'Open all' : 'Fold all'}</Button>
          <EitherOr label="Columns" off="Unified" on="Split" isOn={isSplit} set={setSplit} />
        </div>
      </div>
      {diff.truncated ? (
        <p className={classes.cut} role="note">
          The patch is too long to be shown whole: it is cut{missing.length > 0 ? `, and ${missing.length} of its files are not shown` : ''}. All of it: <code>git diff {diff.base.slice(0, 10)}…{cleanLine(diff.branch)}</code>
        </p>
      ) : null}
      <div className={classes.split}>
        <nav className={classes.tree} aria-label="Changed files">
          {tree.map((line) =>
            line.is === 'folder' ? (
              <div key={`folder ${line.path}`} className={classes.folder}>
                {cleanLine(line.path)}
              </div>
            ) : (
              <button key={line.file} type="button" data-change={files[line.file]!.change} aria-current={line.file === current || undefined} onClick={() => goTo(line.file)}>
                <span>{cleanLine(line.name)}</span>
                <Counts added={files[line.file]!.insertions} removed={files[line.file]!.deletions} />
              </button>
            ),
          )}
          {missing.map((file) => (
            <div key={`missing ${file.path}`} className={classes.missing}>
              <span>{cleanLine(file.path)}</span> not shown
            </div>
          ))}
        </nav>
        <Lines virtual={virtual} scroller={scroller} role="region" aria-label="Changes">
          {(index) => {
            const line = lines[index];
            if (!line) return null;
            if (line.is !== 'file') return <Shown line={line} />;
            return <FileHead file={files[line.file]!} isFolded={folded.has(line.file)} flip={() => flip(line.file)} />;
          }}
        </Lines>
      </div>
    </div>
  );
}

const linesOf = (file: PatchFile) => file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);

function flatten(files: readonly PatchFile[], folded: ReadonlySet<number>, isSplit: boolean): Line[] {
  const lines: Line[] = [];
  files.forEach((file, n) => {
    lines.push({ is: 'file', file: n });
    if (folded.has(n)) return;
    if (file.isBinary) lines.push({ is: 'remark', text: 'A binary file: its changes are not shown.' });
    else if (file.hunks.length === 0) lines.push({ is: 'remark', text: file.change === 'renamed' ? 'Moved, and nothing in it changed.' : 'Nothing in it changed, or it is empty.' });
    for (const hunk of file.hunks) {
      lines.push({ is: 'hunk', hunk });
      if (isSplit) for (const pair of pairs(hunk.lines)) lines.push({ is: 'pair', pair });
      else for (const line of hunk.lines) lines.push({ is: 'line', line });
    }
  });
  return lines;
}

/** A key that stays when another file is folded. */
function keyOf(lines: readonly Line[], n: number): string {
  const line = lines[n];
  return line?.is === 'file' ? `file ${line.file}` : `${n} of ${lines.length} ${line?.is ?? ''}`;
}

function Counts({ added, removed }: { added: number; removed: number }) {
  return (
    <span className={classes.counts}>
      {added > 0 ? <span className={classes.plus}>+{added}</span> : null} {removed > 0 ? <span className={classes.minus}>−{removed}</span> : null}
    </span>
  );
}

function FileHead({ file, isFolded, flip }: { file: PatchFile; isFolded: boolean; flip: () => void }) {
  return (
    <button type="button" className={classes.file} aria-expanded={!isFolded} onClick={flip}>
      {isFolded ? <IconChevronRight size={14} aria-hidden /> : <IconChevronDown size={14} aria-hidden />}
      <span className={classes.path}>
        {file.from ? `${cleanLine(file.from)} → ` : ''}
        {cleanLine(file.path)}
      </span>
      {file.change === 'modified' ? null : <span className={classes.dim}>{file.change}</span>}
      <Counts added={file.insertions} removed={file.deletions} />
    </button>
  );
}

const Shown = memo(function Shown({ line }: { line: Exclude<Line, { is: 'file' }> }) {
  switch (line.is) {
    case 'hunk':
      return (
        <div className={classes.hunk}>
          Line {line.hunk.newStart}
          {line.hunk.heading ? ` · ${cleanLine(line.hunk.heading)}` : ''}
        </div>
      );
    case 'remark':
      return <div className={classes.remark}>{line.text}</div>;
    case 'line':
      return (
        <div className={classes.line} data-is={line.line.is}>
          <LineNumber of={line.line.oldNumber} />
          <LineNumber of={line.line.newNumber} />
          <Code line={line.line} />
        </div>
      );
    case 'pair':
      return (
        <div className={classes.pair}>
          <Side line={line.pair.left} number={line.pair.left?.oldNumber ?? null} />
          <Side line={line.pair.right} number={line.pair.right?.newNumber ?? null} />
        </div>
      );
  }
});

function Side({ line, number }: { line: PatchLine | null; number: number | null }) {
  return (
    <div className={classes.side} data-is={line?.is ?? 'none'}>
      <LineNumber of={number} />
      {line ? <Code line={line} /> : <span />}
    </div>
  );
}

const LineNumber = ({ of }: { of: number | null }) => <span className={classes.number}>{of}</span>;

const SIGNS = { added: '+', removed: '−', same: ' ', remark: '' };

function Code({ line }: { line: PatchLine }) {
  return (
    <code className={classes.code}>
      <span className={classes.sign}>{SIGNS[line.is]}</span>
      {cleanText(line.text.slice(0, 4_000))}
      {line.text.length > 4_000 ? <i> … {line.text.length - 4_000} more characters</i> : null}
    </code>
  );
}
