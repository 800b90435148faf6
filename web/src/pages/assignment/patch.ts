/** Reads git's patch text. What it holds is an agent's: file names and lines are only ever shown. */
export interface PatchFile {
  path: string;
  /** The former path of a file that was moved. */
  from: string | null;
  change: 'added' | 'deleted' | 'modified' | 'renamed';
  isBinary: boolean;
  insertions: number;
  deletions: number;
  hunks: Hunk[];
}

export interface Hunk {
  /** What git names the place by: the function around it. */
  heading: string;
  oldStart: number;
  newStart: number;
  lines: PatchLine[];
}

export interface PatchLine {
  is: 'same' | 'added' | 'removed' | 'remark';
  text: string;
  oldNumber: number | null;
  newNumber: number | null;
}

/** The files of a patch, in its order. A patch that was cut gives what is whole of it. */
export function parsePatch(patch: string): PatchFile[] {
  const files: PatchFile[] = [];
  let file: PatchFile | null = null;
  let hunk: Hunk | null = null;
  let oldNumber = 0;
  let newNumber = 0;
  let oldLeft = 0;
  let newLeft = 0;
  const lines = patch.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const line of lines) {
    // Inside a hunk the counts of its head say what belongs to it, whatever a line looks like.
    if (file && hunk && (oldLeft > 0 || newLeft > 0 || line.startsWith('\\'))) {
      const text = line.slice(1);
      if (line.startsWith('+')) {
        hunk.lines.push({ is: 'added', text, oldNumber: null, newNumber: newNumber++ });
        newLeft -= 1;
        file.insertions += 1;
      } else if (line.startsWith('-')) {
        hunk.lines.push({ is: 'removed', text, oldNumber: oldNumber++, newNumber: null });
        oldLeft -= 1;
        file.deletions += 1;
      } else if (line.startsWith('\\')) {
        hunk.lines.push({ is: 'remark', text: line.slice(2), oldNumber: null, newNumber: null });
      } else {
        hunk.lines.push({ is: 'same', text, oldNumber: oldNumber++, newNumber: newNumber++ });
        oldLeft -= 1;
        newLeft -= 1;
      }
      continue;
    }
    if (line.startsWith('diff --git ')) {
      file = { path: pathOfHead(line), from: null, change: 'modified', isBinary: false, insertions: 0, deletions: 0, hunks: [] };
      hunk = null;
      files.push(file);
      continue;
    }
    if (!file) continue;
    const head = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/.exec(line);
    if (head) {
      oldNumber = Number(head[1]);
      newNumber = Number(head[3]);
      oldLeft = head[2] === undefined ? 1 : Number(head[2]);
      newLeft = head[4] === undefined ? 1 : Number(head[4]);
      hunk = { heading: head[5]!, oldStart: oldNumber, newStart: newNumber, lines: [] };
      file.hunks.push(hunk);
    } else if (line.startsWith('new file')) file.change = 'added';
    else if (line.startsWith('deleted file')) file.change = 'deleted';
    else if (line.startsWith('rename from ')) {
      file.change = 'renamed';
      file.from = unquoted(line.slice('rename from '.length));
    } else if (line.startsWith('rename to ')) file.path = unquoted(line.slice('rename to '.length));
    else if (line.startsWith('Binary files') || line.startsWith('GIT binary patch')) file.isBinary = true;
    else if (line.startsWith('+++ ') && !line.startsWith('+++ /dev/null')) file.path = side(line.slice(4));
    else if (line.startsWith('--- ') && !line.startsWith('--- /dev/null') && file.change === 'deleted') file.path = side(line.slice(4));
  }
  return files;
}

/** A path of a `---` or `+++` line: without the letter of its side, and the tab that git puts behind one with spaces. */
const side = (path: string) => unquoted(path.replace(/\t$/, '')).replace(/^[ab]\//, '');

/** The path of a file that has no `+++` line: both sides name it, and no space parts them for sure. */
function pathOfHead(line: string): string {
  const rest = line.slice('diff --git '.length);
  const quoted = /"(?:[^"\\]|\\.)*"$/.exec(rest);
  if (quoted) return side(quoted[0]);
  const half = (rest.length - 1) / 2;
  const isTwice = Number.isInteger(half) && rest.slice(2, half) === rest.slice(half + 3);
  return isTwice ? rest.slice(2, half) : (rest.split(' b/').at(-1) ?? rest);
}

/** Undoes git's quoting of names with odd bytes: `"caf\303\251"`. */
function unquoted(name: string): string {
  if (!name.startsWith('"') || !name.endsWith('"')) return name;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  const named: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };
  for (const [part] of name.slice(1, -1).matchAll(/\\[0-7]{3}|\\.|[^\\]+/gs)) {
    if (/^\\[0-7]{3}$/.test(part)) bytes.push(Number.parseInt(part.slice(1), 8) & 255);
    else if (part.startsWith('\\')) bytes.push(named[part[1]!] ?? part.charCodeAt(1));
    else bytes.push(...encoder.encode(part));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** One line of a view of two sides. */
export interface Pair {
  left: PatchLine | null;
  right: PatchLine | null;
}

/** What was removed beside what was added in its place. */
export function pairs(lines: readonly PatchLine[]): Pair[] {
  const found: Pair[] = [];
  let removed: PatchLine[] = [];
  let added: PatchLine[] = [];
  const flush = () => {
    for (let n = 0; n < Math.max(removed.length, added.length); n++) found.push({ left: removed[n] ?? null, right: added[n] ?? null });
    removed = [];
    added = [];
  };
  for (const line of lines) {
    if (line.is === 'removed') {
      // What is removed after something was added belongs to another place.
      if (added.length > 0) flush();
      removed.push(line);
    } else if (line.is === 'added') added.push(line);
    else {
      flush();
      found.push({ left: line, right: line });
    }
  }
  flush();
  return found;
}

/** A line of the list beside a diff: a folder, or a file under it. */
export type TreeLine = { is: 'folder'; path: string } | { is: 'file'; name: string; file: number };

/** The files under their folders, in the order of their paths. */
export function treeOf(paths: readonly string[]): TreeLine[] {
  const cut = (path: string) => path.lastIndexOf('/') + 1;
  const sorted = paths.map((path, file) => ({ folder: path.slice(0, cut(path)), name: path.slice(cut(path)), file }));
  sorted.sort((a, b) => order(a.folder, b.folder) || order(a.name, b.name));
  const lines: TreeLine[] = [];
  let folder = '';
  for (const one of sorted) {
    if (one.folder !== folder) lines.push({ is: 'folder', path: (folder = one.folder) });
    lines.push({ is: 'file', name: one.name, file: one.file });
  }
  return lines;
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
