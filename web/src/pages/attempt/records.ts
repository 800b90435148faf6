/** The records of a transcript that are in memory: windows around what is looked at, never all of a long one. */
import type { TranscriptItem } from '@/api/runs';

/** How many records the daemon gives at once, and how the numbers are cut into pieces. */
export const PIECE = 500;

/** What may be in memory: so many pieces, or so many characters of lines; what is furthest from what is looked at goes first. */
const PIECES_MAX = 16;
const CHARACTERS_MAX = 24_000_000;

interface Piece {
  /** By number, from the piece's first; what is not there yet is a hole. */
  items: (TranscriptItem | undefined)[];
  count: number;
  characters: number;
}

export class Records {
  private readonly pieces = new Map<number, Piece>();
  private characters = 0;
  /** One more than the highest number that is known. */
  total = 0;
  /** Counts changes. */
  version = 0;

  at(number: number): TranscriptItem | undefined {
    return this.pieces.get(Math.floor(number / PIECE))?.items[number % PIECE];
  }

  /** Takes records, wherever they belong. */
  add(items: readonly TranscriptItem[]): void {
    for (const item of items) {
      const index = Math.floor(item.number / PIECE);
      let piece = this.pieces.get(index);
      if (!piece) this.pieces.set(index, (piece = { items: [], count: 0, characters: 0 }));
      if (piece.items[item.number % PIECE]) continue;
      piece.items[item.number % PIECE] = item;
      piece.count += 1;
      piece.characters += item.line.length;
      this.characters += item.line.length;
      this.total = Math.max(this.total, item.number + 1);
    }
    if (items.length > 0) this.version += 1;
  }

  /** The pieces with something of these numbers that is not in memory. */
  missing(first: number, last: number): number[] {
    const found: number[] = [];
    for (let index = Math.floor(Math.max(0, first) / PIECE); index <= Math.floor(Math.min(last, this.total - 1) / PIECE); index++) {
      if ((this.pieces.get(index)?.count ?? 0) < Math.min(PIECE, this.total - index * PIECE)) found.push(index);
    }
    return found;
  }

  /** Forgets what is furthest from this number, until the rest is little enough. What is around the number stays, however long. */
  keepNear(number: number): void {
    const here = Math.floor(number / PIECE);
    const byDistance = [...this.pieces.keys()].sort((a, b) => Math.abs(b - here) - Math.abs(a - here));
    for (const index of byDistance) {
      if (this.pieces.size <= PIECES_MAX && this.characters <= CHARACTERS_MAX) return;
      if (Math.abs(index - here) <= 1) return;
      this.characters -= this.pieces.get(index)!.characters;
      this.pieces.delete(index);
      this.version += 1;
    }
  }

  /** The stretches of numbers that are in memory without a hole, in order. */
  stretches(): [first: number, last: number][] {
    const found: [number, number][] = [];
    for (const index of [...this.pieces.keys()].sort((a, b) => a - b)) {
      const { items } = this.pieces.get(index)!;
      for (let n = 0; n < items.length; n++) {
        if (!items[n]) continue;
        const number = index * PIECE + n;
        const open = found.at(-1);
        if (open && open[1] === number - 1) open[1] = number;
        else found.push([number, number]);
      }
    }
    return found;
  }
}
