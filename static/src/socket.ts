/** One WebSocket that comes back: states, backoff, heartbeat and what close codes mean. */

import { Backoff } from "./backoff";
import type { Cancel, Clock } from "./clock";

/** What is used of a WebSocket. */
export interface WireSocket {
  binaryType: string;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type SocketState =
  | { readonly kind: "connecting" }
  | { readonly kind: "open"; readonly rtt: number | null }
  | { readonly kind: "slow"; readonly rtt: number }
  | { readonly kind: "reconnecting"; readonly at: number; readonly code: number }
  | { readonly kind: "signed-out" }
  | { readonly kind: "refused"; readonly code: number };

export interface SocketDependencies {
  readonly connect: () => WireSocket;
  readonly clock: Clock;
  readonly random: () => number;
  readonly isVisible: () => boolean;
  /** The heartbeat's message for this number. */
  readonly ping: (number: number) => string;
  readonly onOpen: () => void;
  readonly onText: (text: string) => void;
  readonly onBinary: (bytes: Uint8Array) => void;
  readonly onState: (state: SocketState) => void;
}

export const HEARTBEAT = 10_000;
export const SLOW = 1_000;
export const DEAD = 15_000;
export const HEALTHY = 1_000;
export const CONNECT_TIMEOUT = 10_000;
/** A held key must not become a stream of connection attempts. */
export const NUDGE_PAUSE = 500;
const NOT_AUTHENTICATED = 4401;
const NOT_ALLOWED = 4403;
const TOO_MANY = 4429;

export class ReconnectingSocket {
  state: SocketState = { kind: "connecting" };
  private socket: WireSocket | null = null;
  private readonly backoff: Backoff;
  private readonly timers = new Map<string, Cancel>();
  private pings = 0;
  private pingSent: number | null = null;
  private started = 0;
  private disposed = false;

  constructor(private readonly its: SocketDependencies) {
    this.backoff = new Backoff(its.random);
  }

  get isOpen(): boolean {
    return this.state.kind === "open" || this.state.kind === "slow";
  }

  start(): void {
    this.stopTimers();
    this.started = this.its.clock.now();
    this.become({ kind: "connecting" });
    const socket = this.its.connect();
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    // A handshake that hangs would otherwise block for the browser's two minutes.
    this.timer("connect", CONNECT_TIMEOUT, () => this.lose(socket, 1006));
    socket.onopen = () => {
      if (socket !== this.socket) return;
      this.stopTimers();
      this.timer("healthy", HEALTHY, () => this.backoff.reset());
      this.timer("ping", HEARTBEAT, () => this.beat());
      this.become({ kind: "open", rtt: null });
      this.its.onOpen();
    };
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      if (typeof event.data === "string") this.its.onText(event.data);
      else if (event.data instanceof ArrayBuffer) this.its.onBinary(new Uint8Array(event.data));
    };
    socket.onclose = (event) => this.lose(socket, event.code);
  }

  send(data: string | Uint8Array<ArrayBuffer>): boolean {
    if (!this.isOpen || this.socket === null) return false;
    this.socket.send(data);
    return true;
  }

  /** Try at once: the network is back, the page is looked at, a key was pressed. */
  nudge(): void {
    if (this.state.kind === "reconnecting") {
      if (this.its.clock.now() - this.started >= NUDGE_PAUSE) this.start();
    } else if (this.isOpen && this.its.isVisible()) {
      this.beat();
    }
  }

  /** Try again although the daemon said no: the user asked, or signed in elsewhere. */
  retry(): void {
    if (this.isOpen || this.disposed) return;
    this.start();
  }

  /** The page must sign in; nothing is tried until `retry`. */
  signedOut(): void {
    this.end({ kind: "signed-out" });
  }

  onPong(number: unknown): void {
    if (number !== this.pings || this.pingSent === null) return;
    const rtt = this.its.clock.now() - this.pingSent;
    this.pingSent = null;
    this.cancel("late");
    this.cancel("dead");
    this.become(rtt > SLOW ? { kind: "slow", rtt } : { kind: "open", rtt });
    // Ask again soon while it is slow, so that the banner goes when the trouble does.
    this.timer("ping", rtt > SLOW ? HEARTBEAT / 4 : HEARTBEAT, () => this.beat());
  }

  dispose(): void {
    this.disposed = true;
    this.stopTimers();
    this.drop(1000);
  }

  private beat(): void {
    if (!this.isOpen || this.pingSent !== null) return;
    if (!this.its.isVisible()) {
      this.timer("ping", HEARTBEAT, () => this.beat());
      return;
    }
    this.cancel("ping");
    this.pingSent = this.its.clock.now();
    this.send(this.its.ping(++this.pings));
    this.timer("late", SLOW * 1.5, () => this.become({ kind: "slow", rtt: SLOW * 1.5 }));
    const socket = this.socket;
    this.timer("dead", DEAD, () => socket && this.lose(socket, 1006));
  }

  private lose(socket: WireSocket, code: number): void {
    if (socket !== this.socket || this.disposed) return;
    if (code === NOT_AUTHENTICATED) return this.end({ kind: "signed-out" });
    if (code === NOT_ALLOWED) return this.end({ kind: "refused", code });
    this.stopTimers();
    this.drop();
    // "Too many" is not helped by hurrying.
    if (code === TOO_MANY) this.backoff.next();
    const wait = this.backoff.next();
    this.become({ kind: "reconnecting", at: this.its.clock.now() + wait, code });
    this.timer("retry", wait, () => this.start());
  }

  private end(state: SocketState): void {
    this.stopTimers();
    this.drop();
    this.become(state);
  }

  private drop(code?: number): void {
    const socket = this.socket;
    this.socket = null;
    this.pingSent = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  private become(state: SocketState): void {
    this.state = state;
    this.its.onState(state);
  }

  private timer(name: string, milliseconds: number, callback: () => void): void {
    this.cancel(name);
    this.timers.set(name, this.its.clock.after(milliseconds, callback));
  }

  private cancel(name: string): void {
    this.timers.get(name)?.();
    this.timers.delete(name);
  }

  private stopTimers(): void {
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
  }
}
