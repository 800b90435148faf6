/** For tests only. */
import type { Timers } from './refresher';

/** Time that passes only when a test says so. */
export class FakeTime implements Timers {
  private at = 0;
  private due: { at: number; run: () => void }[] = [];

  now(): number {
    return this.at;
  }

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.at + ms, run };
    this.due.push(entry);
    return () => {
      this.due = this.due.filter((other) => other !== entry);
    };
  }

  /** Lets what was promised come true. */
  async settle(): Promise<void> {
    for (let n = 0; n < 10; n++) await Promise.resolve();
  }

  async advance(ms: number): Promise<void> {
    const end = this.at + ms;
    for (;;) {
      await this.settle();
      const next = this.due.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.due = this.due.filter((entry) => entry !== next);
      this.at = next.at;
      next.run();
    }
    this.at = end;
    await this.settle();
  }
}
