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

/** Dollars as millionths; nothing for nothing, and NaN for what is no sum of money. */
export function microsOf(text: string): number | undefined {
  const given = filled(text)?.replace(/^\$\s*/, '');
  if (given === undefined) return undefined;
  return /^\d{1,9}([.,]\d{1,6})?$/.test(given) ? Math.round(Number(given.replace(',', '.')) * 1_000_000) : Number.NaN;
}

/** The lines, or parts between commas, that are not empty. */
export function listed(text: string): string[] | undefined {
  const parts = text.split(/[\n,]/).map((part) => part.trim()).filter(Boolean);
  return parts.length > 0 ? parts : undefined;
}

/** A span as people write it (`90`, `90s`, `30m`, `2h`, `7d`), in seconds; nothing for nothing, and NaN for what is none. */
export function seconds(text: string): number | undefined {
  const given = filled(text)?.toLowerCase();
  if (given === undefined) return undefined;
  const found = /^(\d{1,9})\s*(s|m|min|h|d)?$/.exec(given);
  if (!found) return Number.NaN;
  return Number(found[1]) * { s: 1, m: 60, min: 60, h: 3_600, d: 86_400 }[found[2] ?? 's']!;
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

/** Limits as typed; nothing when none is given. Parts that cannot be understood are NaN. */
export function budgetOf(text: BudgetText): { runs?: number; cost_micros?: number; tokens?: number; wall_secs?: number } | undefined {
  const budget = { runs: wholeNumber(text.runs, 1), cost_micros: microsOf(text.dollars), tokens: wholeNumber(text.tokens, 1), wall_secs: seconds(text.wall) };
  return Object.values(budget).some((value) => value !== undefined) ? budget : undefined;
}
