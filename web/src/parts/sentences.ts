/** A text that something else follows: with a stop, where it ends with none. */
export const stopped = (text: string): string => (/[.!?…:;](["”’')\]]|`)?$/.test(text) || text === '' ? text : `${text}.`);

/** Texts that stand in one line or block, each ended before the next begins; what is empty is left out. */
export function sentences(...texts: (string | null | undefined | false)[]): string {
  const said = texts.map((text) => (text || '').trim()).filter(Boolean);
  return said.map((text, n) => (n < said.length - 1 ? stopped(text) : text)).join(' ');
}
