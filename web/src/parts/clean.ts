/**
 * Makes what outsiders wrote safe to read as text: titles, branch names, tool output, file names. It is shown as text only, never as HTML;
 * here goes what would make that text look like another.
 */

/* eslint-disable no-control-regex */

/** Terminal sequences: CSI (colours, cursor), OSC (titles, links) with what ends them, other escapes of two bytes or three. */
const ANSI = /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][\s\S]*?(?:\u0007|\u001b\\|\u009c|$)|\u001b[ -/]*[0-~]?/g;

/** Direction overrides and isolates, invisible joiners and fillers, line separators, tags, byte order marks: they reorder or hide text. */
const HIDDEN = /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** Controls other than line end and tab. */
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

const named = (character: string) => `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`;

/** Text of several lines: without terminal sequences, and with hidden and control characters made visible (`⟨U+202E⟩`). */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(ANSI, '')
    .replace(CONTROL, named)
    .replace(HIDDEN, named);
}

/** Text for one line of a list: as `cleanText`, with line ends and tabs as spaces. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/\s+/g, ' ').trim();
}
