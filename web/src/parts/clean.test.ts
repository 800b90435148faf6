import { describe, expect, it } from 'vitest';

import { cleanLine, cleanText } from './clean';

describe('text of outsiders', () => {
  it('loses colours, cursor moves, titles and links of terminals', () => {
    expect(cleanText('\u001b[31mred\u001b[0m \u001b[2K\u001b]0;title\u0007a \u001b]8;;https://x\u001b\\link\u001b]8;;\u001b\\')).toBe('red a link');
    expect(cleanText('\u009b31mred')).toBe('red');
    expect(cleanText('cut off \u001b[')).not.toContain('\u001b');
    expect(cleanText('\u001b]never ended')).toBe('');
  });

  it('shows what would reorder or hide text', () => {
    expect(cleanText('user\u202etxt.exe')).toBe('user⟨U+202E⟩txt.exe');
    expect(cleanText('a\u2066b\u2069c\u200bd\ufeffe\u{e0041}')).toBe('a⟨U+2066⟩b⟨U+2069⟩c⟨U+200B⟩d⟨U+FEFF⟩e⟨U+E0041⟩');
  });

  it('shows control characters', () => {
    expect(cleanText('a\u0000b\u0008c\u007f')).toBe('a⟨U+0000⟩b⟨U+0008⟩c⟨U+007F⟩');
  });

  it('keeps lines, tabs, emoji and other scripts', () => {
    expect(cleanText('a\r\nb\rc\td 👩‍💻 ✔️ שלום سلام 日本')).toBe('a\nb\nc\td 👩‍💻 ✔️ שלום سلام 日本');
  });

  it('puts a line of a list in one line', () => {
    expect(cleanLine('  a\n\n b\tc ')).toBe('a b c');
  });

  it('leaves markup as it is: it is shown as text', () => {
    expect(cleanLine('<img src=x onerror=alert(1)>')).toBe('<img src=x onerror=alert(1)>');
  });

  it('takes a megabyte of escapes in a moment', () => {
    const started = performance.now();
    cleanText('\u001b]'.repeat(250_000) + '\u001b['.repeat(250_000));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
