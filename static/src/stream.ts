/** One terminal's two numbered streams: every byte drawn once, every key typed once. */

import type { Cancel, Clock } from "./clock";
import { DrawQueue, type Screen } from "./draw";
import { ACK, INPUT, encodeFrame } from "./frames";
import { InputStream } from "./input";
import type { Attached, Json, JsonObject } from "./messages";

/** Acknowledged at the latest after this much has been drawn. */
export const ACK_EVERY = 64 * 1024;
export const ACK_IDLE = 20;
/** Keys pressed this long after a loss are still taken; later ones would be blind. */
export const BLIND = 5_000;

export interface Ending {
  readonly code: number | null;
  readonly signal: number | null;
}

export interface StreamDependencies {
  readonly screen: Screen;
  readonly clock: Clock;
  readonly sendFrame: (frame: Uint8Array<ArrayBuffer>) => boolean;
  /** Ask for (another) attachment with these arguments. */
  readonly attach: (request: JsonObject) => void;
  readonly onAttached: (attached: Attached) => void;
  readonly onEnded: (ending: Ending) => void;
}

interface Resize {
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
}

export class TerminalStream {
  term: number | null;
  ended: Ending | null = null;
  rows = 24;
  columns = 80;
  private readonly input: InputStream;
  private readonly queue: DrawQueue;
  private attached = false;
  private epoch: Json = null;
  private received: number | null = null;
  private live = 0;
  private muted = false;
  private resizes: Resize[] = [];
  private generation = 0;
  private drawn = 0;
  private acked = 0;
  private idle: Cancel | null = null;
  private lostAt: number;

  constructor(
    term: number | null,
    private readonly its: StreamDependencies,
  ) {
    this.term = term;
    this.lostAt = its.clock.now();
    this.queue = new DrawQueue(its.screen, () => this.ackSoon());
    const send = (offset: number, payload: Uint8Array) =>
      this.term === null ? false : its.sendFrame(encodeFrame(INPUT, this.term, offset, payload));
    this.input = new InputStream(send, its.clock);
  }

  get isLive(): boolean {
    return this.attached;
  }

  get pendingInput(): number {
    return this.input.pendingBytes;
  }

  /** Where this page is, for the tests' eyes. */
  get progress(): { received: number | null; drawn: number; muted: boolean } {
    return { received: this.received, drawn: this.drawn, muted: this.muted };
  }

  /** The arguments with which to attach, from where this page is. */
  request(): JsonObject {
    const request: Record<string, Json> = {
      rows: this.rows,
      columns: this.columns,
      viewer: this.input.viewer,
    };
    if (this.term !== null) request["term"] = this.term;
    if (this.received !== null) {
      request["have"] = this.received;
      request["epoch"] = this.epoch;
    }
    return request;
  }

  onAttached(attached: Attached): void {
    this.term = attached.term;
    if (attached.reset || this.received === null) this.restart(attached.offset);
    else if (attached.offset > this.received) return this.reattach(false);
    this.epoch = attached.epoch;
    this.attached = true;
    this.live = attached.live;
    const received = this.received as number;
    this.acked = Math.max(this.acked, attached.offset);
    this.resizes = attached.resizes
      .map(([offset, rows, columns]) => ({ offset, rows, columns }))
      .filter((resize) => resize.offset >= received);
    if (received < attached.live) this.setMuted(true);
    this.resizeNow(attached.rows, attached.columns);
    this.reach(received);
    this.setAnswers(attached.answers);
    this.its.onAttached(attached);
    if (!this.input.resume(attached.input)) this.reattach(true);
  }

  /** Bytes that bring a fresh terminal to where the output begins; never counted, always muted. */
  onRestore(payload: Uint8Array): void {
    if (!this.attached) return;
    this.setMuted(true);
    this.queue.write(payload, () => undefined);
    if ((this.received ?? 0) >= this.live) this.setMuted(false);
  }

  onOutput(offset: number, payload: Uint8Array): void {
    if (!this.attached || this.received === null) return;
    if (offset > this.received) return this.reattach(true);
    let rest = payload.subarray(Math.min(this.received - offset, payload.length));
    while (rest.length > 0) {
      const at: number = this.received;
      const edge = this.nextEdge(at);
      const size = Math.min(rest.length, edge - at);
      this.draw(rest.subarray(0, size), at + size);
      this.received = at + size;
      this.reach(this.received);
      rest = rest.subarray(size);
    }
  }

  onResize(offset: number, rows: number, columns: number): void {
    if (this.received === null || offset <= this.received) return this.resizeNow(rows, columns);
    this.resizes.push({ offset, rows, columns });
    this.resizes.sort((a, b) => a.offset - b.offset);
  }

  setAnswers(on: boolean): void {
    this.its.screen.setAnswers(on);
  }

  onInputAck(offset: number): void {
    this.input.acknowledge(offset);
  }

  onExited(ending: Ending): void {
    this.ended = ending;
    this.input.pause();
    this.input.discardPending();
    this.queue.act(() => this.its.onEnded(ending));
  }

  /** The connection is gone: draw what is here, keep what was typed. */
  onLost(): void {
    if (this.attached) this.lostAt = this.its.clock.now();
    this.attached = false;
    this.input.pause();
  }

  /** False: not taken, nobody would see where it goes or it is too much. */
  type(bytes: Uint8Array): boolean {
    if (this.ended !== null) return false;
    if (!this.attached && this.its.clock.now() - this.lostAt > BLIND) return false;
    return this.input.write(bytes);
  }

  cancelPending(): void {
    this.input.discardPending();
  }

  dispose(): void {
    this.idle?.();
    this.queue.clear();
    this.input.pause();
  }

  private restart(offset: number): void {
    this.generation++;
    this.queue.clear();
    this.received = offset;
    this.drawn = this.acked = offset;
    this.queue.act(() => this.its.screen.reset());
    // What was cleared may have held an unmuting or the ending.
    this.muted = true;
    this.setMuted(false);
    const { ended } = this;
    if (ended !== null) this.queue.act(() => this.its.onEnded(ended));
  }

  private reattach(keep: boolean): void {
    this.attached = false;
    this.lostAt = this.its.clock.now();
    this.input.pause();
    if (!keep) this.received = null;
    this.its.attach(this.request());
  }

  private draw(bytes: Uint8Array, end: number): void {
    const { generation } = this;
    this.queue.write(bytes, () => {
      if (generation !== this.generation) return;
      this.drawn = end;
      if (this.drawn - this.acked >= ACK_EVERY) this.ack();
    });
  }

  private ackSoon(): void {
    if (this.idle !== null || this.acked >= this.drawn) return;
    this.idle = this.its.clock.after(ACK_IDLE, () => {
      this.idle = null;
      if (this.queue.isIdle) this.ack();
    });
  }

  private ack(): void {
    if (!this.attached || this.term === null || this.drawn <= this.acked) return;
    if (this.its.sendFrame(encodeFrame(ACK, this.term, this.drawn))) this.acked = this.drawn;
  }

  /** Everything before `offset` is queued: what belongs exactly there happens now. */
  private reach(offset: number): void {
    for (let next = this.resizes[0]; next && next.offset <= offset; next = this.resizes[0]) {
      this.resizes.shift();
      this.resizeNow(next.rows, next.columns);
    }
    if (offset >= this.live) this.setMuted(false);
  }

  private nextEdge(offset: number): number {
    const resize = this.resizes[0]?.offset ?? Infinity;
    return Math.min(resize, this.live > offset ? this.live : Infinity);
  }

  private resizeNow(rows: number, columns: number): void {
    if (rows < 1 || columns < 1) return;
    this.queue.act(() => this.its.screen.resize(rows, columns));
  }

  private setMuted(on: boolean): void {
    if (this.muted === on) return;
    this.muted = on;
    this.queue.act(() => this.its.screen.mute(on));
  }
}
