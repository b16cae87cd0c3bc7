/** Rules of the session: signing in, coming back, and whose answer is whose. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, type ClientEvents } from "../../static/src/client";
import { OUTPUT, encodeFrame } from "../../static/src/frames";
import type { TerminalInfo } from "../../static/src/messages";
import { TerminalStream } from "../../static/src/stream";
import { FakeClock, FakeScreen, FakeSocket, bytes } from "./fakes";

function make() {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const lists: { numbers: number[]; gone: TerminalStream[] }[] = [];
  const notices: string[] = [];
  const failed: string[] = [];
  const events: ClientEvents = {
    onState: () => undefined,
    onUser: () => undefined,
    onTerminals: (list: TerminalInfo[], gone) => lists.push({ numbers: list.map((info) => info.number), gone }),
    onOpenFailed: (_stream, message) => failed.push(message),
    onTitle: () => undefined,
    onGone: () => undefined,
    onReset: () => undefined,
    onNotice: (message) => notices.push(message),
    onCommands: () => undefined,
    onSignIns: () => undefined,
    onQuestion: () => undefined,
  };
  const client = new Client({
    clock,
    random: () => 0,
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    isVisible: () => true,
    greeting: { auth: null, location: "default" },
    events,
  });
  const stream = (term: number | null) => {
    const screen = new FakeScreen(true);
    const made = new TerminalStream(term, {
      clock,
      screen,
      sendFrame: (frame) => client.sendFrame(frame),
      attach: (request) => client.act("terminal:new_terminal", request),
      onAttached: () => undefined,
      onEnded: () => undefined,
    });
    return { made, screen };
  };
  client.socket.start();
  const last = () => sockets.at(-1) as FakeSocket;
  const opened = () => last().actions.flatMap((action) => action["terminal:new_terminal"] ?? []) as Record<string, unknown>[];
  return { clock, client, sockets, lists, notices, failed, stream, last, opened };
}

const info = (title: string) => ({ title, command: "sh", metadata: {}, created: 1 });
const attached = (term: number, change = {}) => ({
  "terminal:attached": {
    term, epoch: 7, reset: false, offset: 0, live: 0, rows: 24, columns: 80, resizes: [], input: 0,
    title: "", command: "", viewers: 1, ...change,
  },
});

test("the page signs in first, and asks for nothing before it is signed in", () => {
  const { client, stream, last, opened } = make();
  last().open();
  client.open(stream(null).made);
  assert.deepEqual(last().actions, [{ "go:authenticate": { auth: null, location: "default" } }]);
  last().say({ "terminal:terminals": {} });
  assert.equal(opened().length, 1);
});

test("after a loss every terminal is attached again from where the page is", () => {
  const { clock, client, stream, last, opened } = make();
  const { made, screen } = stream(3);
  client.attach(made);
  last().open();
  last().say({ "terminal:terminals": { 3: info("a") } });
  last().say(attached(3));
  last().sayBytes(encodeFrame(OUTPUT, 3, 0, bytes("hello")));
  last().lose();
  clock.advance(0);
  last().open();
  last().say({ "terminal:terminals": { 3: info("a") } });
  assert.equal(opened()[0]?.["have"], 5);
  assert.equal(opened()[0]?.["epoch"], 7);
  assert.equal(opened()[0]?.["term"], 3);
  last().say(attached(3, { offset: 5, live: 5 }));
  last().sayBytes(encodeFrame(OUTPUT, 3, 5, bytes(" world")));
  assert.equal(screen.text, "hello world");
});

test("a terminal that is gone after a loss is not opened anew behind the user's back", () => {
  const { clock, client, stream, last, opened, lists } = make();
  const { made } = stream(3);
  client.attach(made);
  last().open();
  last().say({ "terminal:terminals": { 3: info("a") } });
  last().say(attached(3));
  last().lose();
  clock.advance(0);
  last().open();
  last().say({ "terminal:terminals": {} });
  assert.deepEqual(opened(), []);
  assert.deepEqual(lists.at(-1)?.gone, [made]);
});

test("a new terminal gets its number from the answer, even when the list is quicker", () => {
  const { client, stream, last, lists } = make();
  last().open();
  last().say({ "terminal:terminals": {} });
  const { made } = stream(null);
  client.open(made);
  last().say({ "terminal:terminals": { 1: info("a") } });
  assert.deepEqual(lists.at(-1)?.numbers, [], "it may be the one being opened");
  last().say(attached(1));
  assert.equal(made.term, 1);
  assert.deepEqual(lists.at(-1)?.numbers, [1]);
});

test("a refused opening is told where it was asked, another refusal to the user", () => {
  const { client, stream, last, failed, notices } = make();
  last().open();
  last().say({ "terminal:terminals": {} });
  client.open(stream(null).made);
  last().say({ "go:error": { action: "terminal:new_terminal", code: "not_found", message: "No such command." } });
  last().say({ "go:error": { action: "terminal:resize", code: "malformed", message: "No." } });
  assert.deepEqual(failed, ["No such command."]);
  assert.deepEqual(notices, ["No."]);
});

test("what the daemon and other users have to say is shown as it is", () => {
  const { last, notices } = make();
  last().open();
  last().say({ "go:notice": "Restart at five." });
  last().say({ "go:user_message": "bob: <b>lunch</b>?" });
  assert.deepEqual(notices, ["Restart at five.", "bob: <b>lunch</b>?"]);
});

test("a malformed or unknown message does no harm to those behind it", () => {
  const { client, stream, last } = make();
  last().open();
  last().say({ "terminal:terminals": {} });
  const { made } = stream(null);
  client.open(made);
  last().say({ "terminal:resize": [], "terminal:set_title": 5, "other:thing": 1, ...attached(9) });
  assert.equal(made.term, 9);
});

test("a daemon that wants a new sign-in stops the attempts until the user has signed in", () => {
  const { clock, client, sockets, last } = make();
  last().open();
  last().say({ "go:reauthenticate": true });
  clock.advance(60_000);
  assert.equal(client.socket.state.kind, "signed-out");
  assert.equal(sockets.length, 1);
  client.socket.retry();
  last().open();
  assert.equal(sockets.length, 2);
});

test("of several viewers only the one the daemon names answers a program's queries", () => {
  const { client, stream, last } = make();
  const { made, screen } = stream(2);
  client.attach(made);
  last().open();
  last().say({ "terminal:terminals": { 2: info("a") } });
  last().say(attached(2));
  assert.equal(screen.answers, true);
  last().say(attached(2, { answers: false }));
  assert.equal(screen.answers, false);
  last().say({ "terminal:answers": { term: 2, answers: true } });
  assert.equal(screen.answers, true);
});

test("a terminal that moved is looked for again, since it may only have another number", () => {
  const { last } = make();
  last().open();
  last().say({ "terminal:terminals": {} });
  last().say({ "terminal:term_moved": { term: 2, location: "default" } });
  assert.deepEqual(last().actions.at(-1), { "terminal:get_terminals": null });
});
