/** When to try again: at once, then at random below a ceiling that doubles (full jitter). */

export const FIRST_CEILING = 1_000;
export const LAST_CEILING = 15_000;

export class Backoff {
  private failures = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** Milliseconds until the next try. */
  next(): number {
    const failures = this.failures++;
    if (failures === 0) return 0;
    const ceiling = Math.min(LAST_CEILING, FIRST_CEILING * 2 ** (failures - 1));
    return Math.floor(this.random() * ceiling);
  }

  /** The connection has been healthy: the next loss is a first one again. */
  reset(): void {
    this.failures = 0;
  }
}
