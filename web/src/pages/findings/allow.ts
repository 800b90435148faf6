import { cleanLine } from '@/parts/clean';

/** The entry of the allow-list that lets this very value through, at this path, by this rule. */
export function allowEntry({ fingerprint, path }: { fingerprint: string; path: string }): string {
  // The fingerprint comes with the work, so it is made harmless inside the quotes.
  const harmless = fingerprint.replace(/[^0-9A-Za-z:_-]/g, '');
  return `# ${cleanLine(path)}\n[[allow]]\nfingerprint = "${harmless}"\nreason = "why it is none"\n`;
}
