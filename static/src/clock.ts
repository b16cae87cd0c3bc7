/** Time as an argument: what the classes use instead of the page's own timers. */

export interface Clock {
  /** Milliseconds that only grow. */
  now(): number;
  after(milliseconds: number, callback: () => void): Cancel;
}

export type Cancel = () => void;

export const pageClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const handle = setTimeout(callback, milliseconds);
    return () => clearTimeout(handle);
  },
};
