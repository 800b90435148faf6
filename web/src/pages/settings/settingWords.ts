import type { Setting } from '@/api/people';
import { cleanLine } from '@/parts/clean';

/** A value as people write it. */
export function valueInWords(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'not set';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(valueInWords).join(', ');
  return cleanLine(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** Settings under the first word of their key, those without one first; only those that have all the words. */
export function bySection(items: readonly Setting[], words: string): { name: string; items: Setting[] }[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const sections = new Map<string, Setting[]>();
  for (const item of items) {
    const text = `${item.key} ${valueInWords(item.value)} ${item.origin} ${item.from}`.toLowerCase();
    if (!wanted.every((word) => text.includes(word))) continue;
    const dot = item.key.indexOf('.');
    const name = dot < 0 ? 'Daemon' : cleanLine(item.key.slice(0, dot));
    sections.set(name, [...(sections.get(name) ?? []), item]);
  }
  return [...sections].map(([name, found]) => ({ name, items: found })).sort((a, b) => (a.name === 'Daemon' ? -1 : b.name === 'Daemon' ? 1 : 0));
}
