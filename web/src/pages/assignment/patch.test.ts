import { expect, test } from 'vitest';

import { pairs, parsePatch, treeOf } from './patch';

const PATCH = `diff --git a/a b.txt b/a b.txt
new file mode 100644
index 0000000..82f0cbe
--- /dev/null
+++ b/a b.txt\t
@@ -0,0 +1 @@
+café <b>x</b>
diff --git a/src/f1.txt b/src/f1.txt
index fcd8734..d77ca26 100644
--- a/src/f1.txt
+++ b/src/f1.txt
@@ -1,4 +1,4 @@ function main() {
 one
-two
--- three
+2
+++ 3
 four
\\ No newline at end of file
diff --git a/src/f3.txt b/src/f3.txt
deleted file mode 100644
--- a/src/f3.txt
+++ /dev/null
@@ -1 +0,0 @@
-gone
diff --git a/src/f2.txt b/lib/g2.txt
similarity index 100%
rename from src/f2.txt
rename to lib/g2.txt
diff --git "a/caf\\303\\251.png" "b/caf\\303\\251.png"
index 1..2 100644
Binary files "a/caf\\303\\251.png" and "b/caf\\303\\251.png" differ
`;

test('files, their changes and counts are read', () => {
  expect(parsePatch(PATCH).map(({ path, from, change, isBinary, insertions, deletions }) => [path, from, change, isBinary, insertions, deletions])).toEqual([
    ['a b.txt', null, 'added', false, 1, 0],
    ['src/f1.txt', null, 'modified', false, 2, 2],
    ['src/f3.txt', null, 'deleted', false, 0, 1],
    ['lib/g2.txt', 'src/f2.txt', 'renamed', false, 0, 0],
    ['café.png', null, 'modified', true, 0, 0],
  ]);
});

test('lines have the numbers of both sides, and those that look like heads are lines', () => {
  const [hunk] = parsePatch(PATCH)[1]!.hunks;
  expect(hunk!.heading).toBe('function main() {');
  expect(hunk!.lines.map((line) => [line.is, line.text, line.oldNumber, line.newNumber])).toEqual([
    ['same', 'one', 1, 1],
    ['removed', 'two', 2, null],
    ['removed', '-- three', 3, null],
    ['added', '2', null, 2],
    ['added', '++ 3', null, 3],
    ['same', 'four', 4, 4],
    ['remark', 'No newline at end of file', null, null],
  ]);
});

test('side by side, what was removed stands beside what came in its place', () => {
  const [hunk] = parsePatch(PATCH)[1]!.hunks;
  expect(pairs(hunk!.lines).map(({ left, right }) => [left?.text ?? null, right?.text ?? null])).toEqual([
    ['one', 'one'],
    ['two', '2'],
    ['-- three', '++ 3'],
    ['four', 'four'],
    ['No newline at end of file', 'No newline at end of file'],
  ]);
});

test('a patch that is cut anywhere, or is none, is read as far as it goes', () => {
  for (let end = 0; end <= PATCH.length; end += 7) expect(parsePatch(PATCH.slice(0, end)).length).toBeLessThanOrEqual(5);
  expect(parsePatch('')).toEqual([]);
  expect(parsePatch('no patch\n@@ -1 +1 @@\n+x')).toEqual([]);
});

test('files stand under their folders', () => {
  expect(treeOf(['src/b.ts', 'a.txt', 'src/a.ts', 'docs/x/y.md'])).toEqual([
    { is: 'file', name: 'a.txt', file: 1 },
    { is: 'folder', path: 'docs/x/' },
    { is: 'file', name: 'y.md', file: 3 },
    { is: 'folder', path: 'src/' },
    { is: 'file', name: 'a.ts', file: 2 },
    { is: 'file', name: 'b.ts', file: 0 },
  ]);
});
