import type { Spent } from '@/api/types';

/** Money in dollars. What is not wholly known is said to be at least so much. Nothing spent shows nothing, or `none` where a word is needed. */
export function Money({ micros, known = true, none = null }: { micros: number; known?: boolean; none?: string | null }) {
  const text = money(micros, known);
  return text === null ? none : <span>{text}</span>;
}

/** The same as text; null for nothing spent. */
export function money(micros: number, known = true): string | null {
  if (micros === 0) return known ? null : 'unknown';
  const dollars = micros / 1_000_000;
  const text = dollars < 0.01 ? '< $0.01' : `$${dollars.toFixed(dollars < 100 ? 2 : 0)}`;
  return known ? text : `≥ ${text.replace('< ', '')}`;
}

/** What was spent as text: at least so much where some runs did not tell; null for nothing. */
export const cost = ({ cost_micros = 0, runs_without_cost = 0 }: Spent) => money(cost_micros, runs_without_cost === 0);

/** A count, short: `950`, `12.4k`, `3.1M`. */
export function count(value: number): string {
  if (value < 1_000) return String(value);
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 100_000 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}
