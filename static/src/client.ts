/** One page's session with the daemon: signing in, actions out, messages to where they belong. */

import type { Clock } from "./clock";
import { FrameError, INPUT_ACK, OUTPUT, RESTORE, decodeFrame } from "./frames";
import {
  MessageError,
  object,
  parseActions,
  parseAttached,
  parseCommands,
  parseTerminals,
  text,
  whole,
  wholeOrNull,
  type CommandInfo,
  type Json,
  type JsonObject,
  type TerminalInfo,
} from "./messages";
import { parseQuestion, type SignInQuestion } from "./question";
import { parseSignIns, type SignInInfo } from "./signins";
import { ReconnectingSocket, type SocketState, type WireSocket } from "./socket";
import type { TerminalStream } from "./stream";

export interface ClientEvents {
  readonly onState: (state: SocketState) => void;
  readonly onUser: (upn: string) => void;
  /** The terminals there are; `gone` are streams of this page that are not among them. */
  readonly onTerminals: (terminals: TerminalInfo[], gone: TerminalStream[]) => void;
  readonly onOpenFailed: (stream: TerminalStream, message: string) => void;
  readonly onTitle: (term: number, title: string) => void;
  readonly onGone: (term: number) => void;
  readonly onReset: (term: number) => void;
  readonly onNotice: (message: string) => void;
  readonly onQuestion: (question: SignInQuestion) => void;
  readonly onSignIns: (list: SignInInfo[]) => void;
  readonly onCommands: (commands: CommandInfo[], fallback: string) => void;
}

export interface ClientDependencies {
  readonly connect: () => WireSocket;
  readonly clock: Clock;
  readonly random: () => number;
  readonly isVisible: () => boolean;
  readonly greeting: JsonObject;
  readonly events: ClientEvents;
}

export class Client {
  readonly socket: ReconnectingSocket;
  private readonly streams = new Set<TerminalStream>();
  /** Asked for without a number; answered in the order asked. */
  private opening: { stream: TerminalStream; request: JsonObject }[] = [];
  private known: TerminalInfo[] = [];
  private signedIn = false;
  private readonly handlers: ReadonlyMap<string, (value: Json) => void>;

  constructor(private readonly its: ClientDependencies) {
    this.socket = new ReconnectingSocket({
      connect: its.connect,
      clock: its.clock,
      random: its.random,
      isVisible: its.isVisible,
      ping: (number) => JSON.stringify({ "go:ping": number }),
      onOpen: () => this.act("go:authenticate", its.greeting),
      onText: (message) => this.onText(message),
      onBinary: (bytes) => this.guard("frame", () => this.onBinary(bytes)),
      onState: (state) => this.onState(state),
    });
    this.handlers = new Map(Object.entries(this.table()));
  }

  get isSignedIn(): boolean {
    return this.signedIn;
  }

  act(action: string, value: Json): boolean {
    return this.socket.send(JSON.stringify({ [action]: value }));
  }

  sendFrame(frame: Uint8Array<ArrayBuffer>): boolean {
    return this.socket.send(frame);
  }

  /** A new terminal; it gets its number with the answer. */
  open(stream: TerminalStream, command?: string): void {
    this.streams.add(stream);
    const request = { ...stream.request(), ...(command ? { command } : {}) };
    this.opening.push({ stream, request });
    if (this.signedIn) this.act("terminal:new_terminal", request);
  }

  /** A terminal that is there already. */
  attach(stream: TerminalStream): void {
    this.streams.add(stream);
    if (this.signedIn) this.act("terminal:new_terminal", stream.request());
  }

  forget(stream: TerminalStream): void {
    this.streams.delete(stream);
    this.opening = this.opening.filter((entry) => entry.stream !== stream);
  }

  private table(): Record<string, (value: Json) => void> {
    const { events } = this.its;
    return {
      "go:pong": (value) => this.socket.onPong(value),
      "go:set_username": (value) => events.onUser(text(value)),
      "go:reauthenticate": () => this.socket.signedOut(),
      // Comes last: without a word from the terminals before it there are none.
      "go:applications": () => {
        if (!this.signedIn) this.ready([]);
      },
      "go:notice": (value) => events.onNotice(text(value)),
      "go:question": (value) => events.onQuestion(parseQuestion(value)),
      "go:user_message": (value) => events.onNotice(text(value)),
      "go:sign_ins": (value) => events.onSignIns(parseSignIns(value)),
      "go:error": (value) => this.onError(value),
      "terminal:terminals": (value) => this.ready(parseTerminals(value)),
      "terminal:attached": (value) => this.onAttached(value),
      "terminal:resize": (value) => {
        const { term, offset, rows, columns } = object(value);
        this.stream(whole(term))?.onResize(whole(offset), whole(rows), whole(columns));
      },
      "terminal:answers": (value) => {
        const { term, answers } = object(value);
        this.stream(whole(term))?.setAnswers(answers !== false);
      },
      "terminal:term_exited": (value) => {
        const { term, code, signal } = object(value);
        const ending = { code: wholeOrNull(code), signal: wholeOrNull(signal) };
        this.stream(whole(term))?.onExited(ending);
      },
      "terminal:term_ended": (value) => events.onGone(whole(value)),
      "terminal:term_moved": (value) => {
        events.onGone(whole(object(value)["term"]));
        // It may be here under another number.
        this.act("terminal:get_terminals", null);
      },
      "terminal:set_title": (value) => {
        const { term, title } = object(value);
        events.onTitle(whole(term), text(title));
      },
      "terminal:reset_client_terminal": (value) => events.onReset(whole(value)),
      "terminal:commands_list": (value) => {
        const { commands, fallback } = parseCommands(value);
        events.onCommands(commands, fallback);
      },
    };
  }

  private onText(message: string): void {
    this.guard("message", () => {
      for (const [action, value] of parseActions(message)) {
        this.guard(action, () => this.handlers.get(action)?.(value));
      }
    });
  }

  /** What is not understood is left out; what is behind it still counts. */
  private guard(name: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof MessageError || error instanceof FrameError)) throw error;
      console.warn("gotwist: not understood:", name, error.message);
    }
  }

  private onBinary(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    const stream = this.stream(frame.terminal);
    if (stream === undefined) return;
    if (frame.kind === OUTPUT) stream.onOutput(frame.offset, frame.payload);
    else if (frame.kind === INPUT_ACK) stream.onInputAck(frame.offset);
    else if (frame.kind === RESTORE) stream.onRestore(frame.payload);
  }

  private onState(state: SocketState): void {
    if (!this.socket?.isOpen && this.signedIn) {
      this.signedIn = false;
      for (const stream of this.streams) stream.onLost();
    }
    this.its.events.onState(state);
  }

  /** The first word after signing in, and again whenever the list changes. */
  private ready(terminals: TerminalInfo[]): void {
    const first = !this.signedIn;
    this.signedIn = true;
    this.known = terminals;
    const numbers = new Set(this.known.map((info) => info.number));
    const gone: TerminalStream[] = [];
    for (const stream of [...this.streams]) {
      if (stream.term === null || stream.ended !== null) continue;
      if (!numbers.has(stream.term)) gone.push(stream);
      else if (first) this.act("terminal:new_terminal", stream.request());
    }
    if (first) {
      for (const { request } of this.opening) this.act("terminal:new_terminal", request);
      this.its.events.onState(this.socket.state);
    }
    this.tell(gone);
  }

  /** A number nobody here knows may be the answer to `opening`: it is shown only afterwards. */
  private tell(gone: TerminalStream[]): void {
    const numbers = new Set([...this.streams].map((stream) => stream.term));
    const shown = this.opening.length
      ? this.known.filter((info) => numbers.has(info.number))
      : this.known;
    this.its.events.onTerminals(shown, gone);
  }

  private onAttached(value: Json): void {
    const attached = parseAttached(value);
    let stream = this.stream(attached.term);
    const isNew = stream === undefined;
    if (isNew) stream = this.opening.shift()?.stream;
    stream?.onAttached(attached);
    if (isNew && stream) this.tell([]);
  }

  private onError(value: Json): void {
    const { action, message } = object(value);
    const sentence = text(message, "The daemon refused that.");
    if (action === "terminal:new_terminal" && this.opening.length > 0) {
      const failed = this.opening.shift();
      if (failed) {
        this.streams.delete(failed.stream);
        this.its.events.onOpenFailed(failed.stream, sentence);
      }
    } else {
      this.its.events.onNotice(sentence);
    }
  }

  private stream(term: number): TerminalStream | undefined {
    for (const stream of this.streams) if (stream.term === term) return stream;
    return undefined;
  }
}
