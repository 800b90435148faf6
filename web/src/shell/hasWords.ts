/** Whether each word of the question begins a word of the text; letters in the middle of others are no match. */
export function hasWords(text: string, question: string): boolean {
  const whole = text.toLowerCase();
  return question
    .toLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((word) => {
      for (let at = whole.indexOf(word); at >= 0; at = whole.indexOf(word, at + 1)) if (at === 0 || !/[\p{L}\p{N}]/u.test(whole[at - 1]!)) return true;
      return false;
    });
}
