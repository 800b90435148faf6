/** Times and spans in words. All take milliseconds; none reads a clock. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span in at most two units: `8 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function span(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '0 s';
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return two(ms, MINUTE, 'min', SECOND, 's');
  if (ms < DAY) return two(ms, HOUR, 'h', MINUTE, 'min');
  return two(ms, DAY, 'd', HOUR, 'h');
}

/** The same in one unit, for a narrow column: `8 s`, `3 min`, `2 h`, `3 d`. */
export function shortSpan(ms: number): string {
  if (ms < SECOND) return '0 s';
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

function two(ms: number, unit: number, word: string, small: number, smallWord: string): string {
  const rest = Math.floor((ms % unit) / small);
  return `${Math.floor(ms / unit)} ${word}${rest > 0 ? ` ${rest} ${smallWord}` : ''}`;
}

/** A moment beside now, short enough for a column: `now`, `40 s ago`, `5 min ago`, `in 3 h`, `12 d ago`, and the date after four weeks. */
export function relative(atMs: number, nowMs: number): string {
  const away = nowMs - atMs;
  const size = Math.abs(away);
  if (size < 5 * SECOND) return 'now';
  if (size >= 28 * DAY) return date(atMs, nowMs);
  // What is past is counted in whole units; what is to come is rounded, so that three days less a moment are three days.
  const count = (unit: number) => (away > 0 ? Math.floor : Math.round)(size / unit);
  const words = count(SECOND) < 60 ? `${count(SECOND)} s` : count(MINUTE) < 60 ? `${count(MINUTE)} min` : count(HOUR) < 24 ? `${count(HOUR)} h` : `${count(DAY)} d`;
  return away > 0 ? `${words} ago` : `in ${words}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const twoDigits = (value: number) => String(value).padStart(2, '0');

// Put together by hand: the browser's own way takes a hundred times as long, and lists ask it for each of thousands of rows.

/** A day: `20 Nov`, with the year when it is another one. */
export function date(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const year = at.getFullYear() === new Date(nowMs).getFullYear() ? '' : ` ${at.getFullYear()}`;
  return `${at.getDate()} ${MONTHS[at.getMonth()]}${year}`;
}

/** A day as a heading: `Today`, `Yesterday`, `Friday 20 Nov`. */
export function day(atMs: number, nowMs: number): string {
  const midnight = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);
  // A day need not have 24 hours: rounded.
  const days = Math.round((midnight(nowMs) - midnight(atMs)) / DAY);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return days > 1 && days < 7 ? `${WEEKDAYS[new Date(atMs).getDay()]} ${date(atMs, nowMs)}` : date(atMs, nowMs);
}

/** A time of day: `14:03`. */
function timeOfDay(at: Date): string {
  return `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
}

/** A time of day to the second: `14:03:12`. */
export function exactTime(atMs: number): string {
  const at = new Date(atMs);
  return `${timeOfDay(at)}:${twoDigits(at.getSeconds())}`;
}

/** The whole moment, for a tooltip: `Friday 20 Nov 2026, 14:03:12`. */
export function absolute(atMs: number): string {
  const at = new Date(atMs);
  return `${WEEKDAYS[at.getDay()]} ${date(atMs, 0)}, ${timeOfDay(at)}:${twoDigits(at.getSeconds())}`;
}

/** When something ends by itself: the time of day, with the day when it is not today. */
export function clockTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  return at.toDateString() === new Date(nowMs).toDateString() ? timeOfDay(at) : `${date(atMs, nowMs)}, ${timeOfDay(at)}`;
}
