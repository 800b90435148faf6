import { memo } from 'react';

/** How long a text is shown at once; the rest on demand. */
const SHOWN_MAX = 6_000;

/** Text with the places marked where the words stand that somebody looks for. Text that is too long is cut, and says so. */
export const Marked = memo(function Marked({ text, find, whole = false }: { text: string; find: string; whole?: boolean }) {
  const shown = whole || text.length <= SHOWN_MAX ? text : text.slice(0, SHOWN_MAX);
  const rest = text.length - shown.length;
  return (
    <>
      {find === '' ? shown : marked(shown, find)}
      {rest > 0 ? <i>{`\n… ${rest.toLocaleString('en-GB')} more characters: o shows them`}</i> : null}
    </>
  );
});

function marked(text: string, find: string) {
  const parts = [];
  const low = text.toLowerCase();
  const word = find.toLowerCase();
  // Some letters change their length in lower case; then places cannot be told.
  if (low.length !== text.length) return text;
  let from = 0;
  for (let at = low.indexOf(word); at >= 0 && parts.length < 400; at = low.indexOf(word, from)) {
    parts.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + word.length)}</mark>);
    from = at + word.length;
  }
  parts.push(text.slice(from));
  return parts;
}
