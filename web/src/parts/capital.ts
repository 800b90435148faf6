/**
 * A sentence of the daemon's that stands by itself, with a capital first letter: the daemon writes them to go on after a colon. What begins with
 * a path, an id or a command of `windlass` is left as it is.
 */
export const capital = (text: string): string => text.replace(/^(?!windlass )\p{Ll}(?=[\p{L}’'-]*[,;]?(\s|$))/u, (letter) => letter.toUpperCase());
