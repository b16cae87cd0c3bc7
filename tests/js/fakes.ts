/** Time, screens and sockets that do what a test tells them. */

import type { Cancel, Clock } from "../../static/src/clock";
import type { Screen } from "../../static/src/draw";
import type { WireSocket } from "../../static/src/socket";

export class FakeClock implements Clock {
  private time = 0;
  private waiting: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.time;
  }

  after(milliseconds: number, callback: () => void): Cancel {
    const entry = { at: this.time + milliseconds, callback };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter((other) => other !== entry);
    };
  }

  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.waiting.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.waiting = this.waiting.filter((entry) => entry !== due);
      this.time = due.at;
      due.callback();
    }
    this.time = end;
  }

  get pending(): number {
    return this.waiting.length;
  }
}

/** Draws when told to; its log is what a terminal would have seen, in order. */
export class FakeScreen implements Screen {
  log: string[] = [];
  text = "";
  mutedText = "";
  answers = true;
  private isMuted = false;
  private waiting: { bytes: Uint8Array; drawn: () => void }[] = [];

  constructor(public eager = false) {}

  write(bytes: Uint8Array, drawn: () => void): void {
    this.waiting.push({ bytes, drawn });
    if (this.eager) this.draw();
  }

  reset(): void {
    this.log.push("reset");
    this.text = "";
  }

  resize(rows: number, columns: number): void {
    this.log.push(`${rows}x${columns}`);
  }

  mute(on: boolean): void {
    this.isMuted = on;
    this.log.push(on ? "mute" : "unmute");
  }

  setAnswers(on: boolean): void {
    this.answers = on;
  }

  draw(count = Infinity): void {
    for (; count > 0 && this.waiting.length > 0; count--) {
      const { bytes, drawn } = this.waiting.shift() as { bytes: Uint8Array; drawn: () => void };
      const text = String.fromCharCode(...bytes);
      this.text += text;
      if (this.isMuted) this.mutedText += text;
      this.log.push(`"${text}"`);
      drawn();
    }
  }
}

export class FakeSocket implements WireSocket {
  binaryType = "";
  onopen: WireSocket["onopen"] = null;
  onmessage: WireSocket["onmessage"] = null;
  onclose: WireSocket["onclose"] = null;
  sent: (string | Uint8Array)[] = [];
  closed = false;

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.onopen?.({} as Event);
  }

  say(actions: unknown): void {
    this.onmessage?.({ data: JSON.stringify(actions) } as MessageEvent<unknown>);
  }

  sayBytes(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer } as MessageEvent<unknown>);
  }

  lose(code = 1006): void {
    this.onclose?.({ code, reason: "" } as CloseEvent);
  }

  get actions(): Record<string, unknown>[] {
    return this.sent.filter((data) => typeof data === "string").map((data) => JSON.parse(data as string));
  }
}

/** Numbers in [0, 1) that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
