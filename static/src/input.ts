/** What is typed, as a numbered stream: sent once, sent again once after a loss, never more. */

import type { Cancel, Clock } from "./clock";
import { MAX_INPUT } from "./frames";

/** At most this much is on its way; a paste waits here, not in the daemon, which takes no more. */
export const WINDOW = 64 * 1024;
/** Bytes a second in the long run, and at once: below what the daemon grants a connection. */
export const RATE = 192 * 1024;
export const BURST = 768 * 1024;
export const PAUSE = 100;
export const MAX_PENDING = 16 * 1024 * 1024;

export type SendInput = (offset: number, payload: Uint8Array) => boolean;

export class InputStream {
  viewer = newViewer();
  /** Sent and not yet applied, from `base` on. */
  private sent: Uint8Array[] = [];
  private sentBytes = 0;
  private base = 0;
  private pending: Uint8Array[] = [];
  private pendingSize = 0;
  private flowing = false;
  private budget = BURST;
  private counted: number;
  private waiting: Cancel | null = null;

  constructor(
    private readonly send: SendInput,
    private readonly clock: Clock,
  ) {
    this.counted = clock.now();
  }

  /** Bytes that wait for their turn. */
  get pendingBytes(): number {
    return this.pendingSize;
  }

  /** False, and nothing taken, when more would wait than this page is willing to hold. */
  write(bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true;
    if (this.pendingSize + bytes.length > MAX_PENDING) return false;
    this.pending.push(bytes);
    this.pendingSize += bytes.length;
    this.pump();
    return true;
  }

  /** Forget what has not been sent: the rest of a paste. */
  discardPending(): void {
    this.pending = [];
    this.pendingSize = 0;
  }

  acknowledge(offset: number): void {
    this.dropBelow(offset);
    this.pump();
  }

  /** The connection is gone; what was sent may or may not have arrived. */
  pause(): void {
    this.flowing = false;
  }

  /**
   * The daemon has applied `applied` bytes of this stream: send the rest again, once.
   * False when that does not fit what is known here; the stream then starts anew, empty,
   * under another name, for which the page has to attach again.
   */
  resume(applied: number): boolean {
    if (applied < this.base || applied > this.base + this.sentBytes) {
      this.viewer = newViewer();
      this.sent = [];
      this.sentBytes = 0;
      this.base = 0;
      this.discardPending();
      this.flowing = false;
      return false;
    }
    this.dropBelow(applied);
    this.pending = [...this.sent, ...this.pending];
    this.pendingSize += this.sentBytes;
    this.sent = [];
    this.sentBytes = 0;
    this.flowing = true;
    this.pump();
    return true;
  }

  private pump(): void {
    while (this.flowing && this.pendingSize > 0 && this.sentBytes < WINDOW) {
      if (!this.mayLeave()) return;
      const chunk = this.take(Math.min(MAX_INPUT, WINDOW - this.sentBytes));
      const offset = this.base + this.sentBytes;
      // Counted as sent even if the socket refuses: it is then resumed after the next attach.
      this.sent.push(chunk);
      this.sentBytes += chunk.length;
      this.budget -= chunk.length;
      if (!this.send(offset, chunk)) this.flowing = false;
    }
  }

  /** Whether the rate allows more now; otherwise it is tried again in a moment. */
  private mayLeave(): boolean {
    const now = this.clock.now();
    this.budget = Math.min(BURST, this.budget + ((now - this.counted) / 1000) * RATE);
    this.counted = now;
    if (this.budget > 0) return true;
    this.waiting ??= this.clock.after(PAUSE, () => {
      this.waiting = null;
      this.pump();
    });
    return false;
  }

  /** The next at most `limit` bytes, small pieces joined. */
  private take(limit: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    let size = 0;
    while (size < limit) {
      const first = this.pending[0];
      if (first === undefined) break;
      const room = limit - size;
      if (first.length <= room) {
        this.pending.shift();
        pieces.push(first);
        size += first.length;
      } else {
        pieces.push(first.subarray(0, room));
        this.pending[0] = first.subarray(room);
        size += room;
      }
    }
    this.pendingSize -= size;
    if (pieces.length === 1) return pieces[0] as Uint8Array;
    const joined = new Uint8Array(size);
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined;
  }

  private dropBelow(offset: number): void {
    let surplus = Math.min(offset - this.base, this.sentBytes);
    while (surplus > 0) {
      const first = this.sent[0];
      if (first === undefined) break;
      const gone = Math.min(first.length, surplus);
      if (gone === first.length) this.sent.shift();
      else this.sent[0] = first.subarray(gone);
      this.base += gone;
      this.sentBytes -= gone;
      surplus -= gone;
    }
  }
}

/** 16 hex digits at random. */
export function newViewer(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
