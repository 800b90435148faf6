/** What people type, as the API takes it. */

/** Text without the space around it; nothing for nothing. */
export const filled = (text: string | null | undefined): string | undefined => text?.trim() || undefined;

/** A whole number of at least `least`; nothing for nothing, and NaN for what is none. */
export function wholeNumber(text: string, least = 0): number | undefined {
  const given = filled(text);
  if (given === undefined) return undefined;
  const plain = given.replace(/[ _']/g, '');
  const number = /^-?\d{1,15}$/.test(plain) ? Number(plain) : Number.NaN;
  return number >= least ? number : Number.NaN;
}

/** Dollars as millionths, at least `least` of these; nothing for nothing, and NaN for what is no such sum of money. */
export function microsOf(text: string, least = 0): number | undefined {
  const given = filled(text)?.replace(/^\$\s*/, '');
  if (given === undefined) return undefined;
  const micros = /^\d{1,9}([.,]\d{1,6})?$/.test(given) ? Math.round(Number(given.replace(',', '.')) * 1_000_000) : Number.NaN;
  return micros >= least ? micros : Number.NaN;
}

/** The lines, or parts between commas, that are not empty. */
export function listed(text: string): string[] | undefined {
  const parts = text.split(/[\n,]/).map((part) => part.trim()).filter(Boolean);
  return parts.length > 0 ? parts : undefined;
}

/** The lines that are not empty. */
export const lined = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter(Boolean);

/** A span as people write it (`90`, `90s`, `30m`, `2h`, `7d`), in seconds, at least `least`; nothing for nothing, and NaN for what is none. */
export function seconds(text: string, least = 0): number | undefined {
  const given = filled(text)?.toLowerCase();
  if (given === undefined) return undefined;
  const found = /^(\d{1,9})\s*(s|m|min|h|d)?$/.exec(given);
  if (!found) return Number.NaN;
  const length = Number(found[1]) * { s: 1, m: 60, min: 60, h: 3_600, d: 86_400 }[found[2] ?? 's']!;
  return length >= least ? length : Number.NaN;
}

/** A span in seconds as `seconds` reads it: `90s`, `30m`, `2h`; nothing for nothing. */
export function secondsText(value: number | null | undefined): string {
  if (value == null) return '';
  if (value % 3_600 === 0) return `${value / 3_600}h`;
  return value % 60 === 0 ? `${value / 60}m` : `${value}s`;
}

const SIZES = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;

/** A size as people write it (`512M`, `2G`, or plain bytes; by 1,024), in bytes; nothing for nothing, and NaN for what is none. */
export function size(text: string): number | undefined {
  const given = filled(text)?.toLowerCase();
  if (given === undefined) return undefined;
  const found = /^(\d{1,15})\s*([kmgt])?(i?b)?$/.exec(given);
  if (!found) return Number.NaN;
  const bytes = Number(found[1]) * (found[2] ? SIZES[found[2] as keyof typeof SIZES] : 1);
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : Number.NaN;
}

/** A size as `size` reads it; nothing for nothing. */
export function sizeText(value: number | null | undefined): string {
  if (value == null) return '';
  const unit = (['t', 'g', 'm', 'k'] as const).find((one) => value % SIZES[one] === 0 && value > 0);
  return unit ? `${value / SIZES[unit]}${unit.toUpperCase()}` : String(value);
}

/** Lines of `NAME = VALUE`; null where one is none. */
export function pairs(text: string): Record<string, string> | null {
  const found: [string, string][] = [];
  for (const line of lined(text)) {
    const [, name, value] = /^([\w-]+)\s*=\s*(\S.*)$/.exec(line) ?? [];
    if (!name || !value) return null;
    found.push([name, value]);
  }
  return Object.fromEntries(found);
}

/** A key that nobody else makes. (`randomUUID` is missing where a page is not served securely.) */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export interface BudgetText {
  runs: string;
  dollars: string;
  tokens: string;
  wall: string;
}
export const NO_BUDGET: BudgetText = { runs: '', dollars: '', tokens: '', wall: '' };

/** How each limit is read. None is 0: nothing would ever run. */
export const LIMITS = {
  runs: (text: string) => wholeNumber(text, 1),
  dollars: (text: string) => microsOf(text, 1),
  tokens: (text: string) => wholeNumber(text, 1),
  wall: (text: string) => seconds(text, 1),
} satisfies Record<keyof BudgetText, (text: string) => number | undefined>;

/** Limits as typed; nothing when none is given. Parts that cannot be understood, or are 0, are NaN. */
export function budgetOf(text: BudgetText): { runs?: number; cost_micros?: number; tokens?: number; wall_secs?: number } | undefined {
  const budget = { runs: LIMITS.runs(text.runs), cost_micros: LIMITS.dollars(text.dollars), tokens: LIMITS.tokens(text.tokens), wall_secs: LIMITS.wall(text.wall) };
  return Object.values(budget).some((value) => value !== undefined) ? budget : undefined;
}

/** Whether a limit is one that cannot be understood. */
export const isWrongBudget = (text: BudgetText): boolean => Object.values(budgetOf(text) ?? {}).some(Number.isNaN);

/** A request without what was left empty, so that settings elsewhere count. */
export const onlyGiven = <Request extends object>(request: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as Request;

/** Limits as they are typed. */
export function budgetText({ runs, cost_micros, tokens, wall_secs }: { runs?: number | null; cost_micros?: number | null; tokens?: number | null; wall_secs?: number | null }): BudgetText {
  const text = (value: number | null | undefined) => (value == null ? '' : String(value));
  return { runs: text(runs), dollars: cost_micros == null ? '' : String(cost_micros / 1_000_000), tokens: text(tokens), wall: secondsText(wall_secs) };
}
