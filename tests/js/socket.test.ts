/** Rules of the connection: when it comes back, what is said about it, when it gives up. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff, LAST_CEILING } from "../../static/src/backoff";
import { DEAD, HEALTHY, HEARTBEAT, ReconnectingSocket, type SocketState } from "../../static/src/socket";
import { FakeClock, FakeSocket } from "./fakes";

function make(random = () => 0.5) {
  const clock = new FakeClock();
  const sockets: FakeSocket[] = [];
  const states: SocketState["kind"][] = [];
  const page = { visible: true };
  const socket = new ReconnectingSocket({
    clock,
    random,
    connect: () => {
      const made = new FakeSocket();
      sockets.push(made);
      return made;
    },
    isVisible: () => page.visible,
    ping: (number) => JSON.stringify({ "go:ping": number }),
    onOpen: () => undefined,
    onText: (text) => socket.onPong((JSON.parse(text) as Record<string, unknown>)["go:pong"]),
    onBinary: () => undefined,
    onState: (state) => states.push(state.kind),
  });
  const last = () => sockets.at(-1) as FakeSocket;
  socket.start();
  return { clock, sockets, states, page, socket, last };
}

test("the first retry is at once, later ones at random below a doubling ceiling of 15 s", () => {
  const backoff = new Backoff(() => 0.999);
  const waits = Array.from({ length: 9 }, () => backoff.next());
  assert.deepEqual(waits, [0, 999, 1998, 3996, 7992, 14985, 14985, 14985, 14985]);
  assert.ok(waits.every((wait) => wait < LAST_CEILING));
  const lucky = new Backoff(() => 0);
  assert.deepEqual([lucky.next(), lucky.next(), lucky.next()], [0, 0, 0]);
  backoff.reset();
  assert.equal(backoff.next(), 0);
});

test("a lost connection is made again by itself, with less haste each time it fails", () => {
  const { clock, sockets, socket, last } = make();
  last().open();
  last().lose();
  clock.advance(0);
  assert.equal(sockets.length, 2);
  last().lose();
  assert.equal(socket.state.kind, "reconnecting");
  clock.advance(499);
  assert.equal(sockets.length, 2);
  clock.advance(1);
  assert.equal(sockets.length, 3);
});

test("a connection that held for a second makes the next loss a first one again", () => {
  const { clock, sockets, last } = make();
  for (let round = 0; round < 3; round++) {
    last().open();
    clock.advance(HEALTHY);
    last().lose();
    clock.advance(0);
    assert.equal(sockets.length, round + 2);
  }
});

test("the network's return, a look at the page or a key tries at once, but a held key does not hammer", () => {
  const { clock, sockets, socket, last } = make(() => 0.99);
  for (let failure = 0; failure < 5; failure++) {
    last().lose();
    clock.advance(failure === 4 ? 600 : 15_000);
  }
  const before = sockets.length;
  assert.equal(socket.state.kind, "reconnecting");
  socket.nudge();
  assert.equal(sockets.length, before + 1);
  last().lose();
  socket.nudge();
  socket.nudge();
  assert.equal(sockets.length, before + 1);
});

test("signed out means asking the user, not trying again; so does not being allowed", () => {
  for (const [code, kind] of [[4401, "signed-out"], [4403, "refused"]] as const) {
    const { clock, sockets, socket, last } = make();
    last().open();
    last().lose(code);
    clock.advance(100_000);
    assert.equal(socket.state.kind, kind);
    assert.equal(sockets.length, 1);
    socket.retry();
    assert.equal(sockets.length, 2);
  }
});

test("too many connections is not helped by trying again at once", () => {
  const { clock, sockets, last } = make();
  last().open();
  last().lose(4429);
  clock.advance(0);
  assert.equal(sockets.length, 1);
});

test("a slow answer is said to be slow, and no longer when it is quick again", () => {
  const { clock, states, last } = make();
  last().open();
  clock.advance(HEARTBEAT);
  assert.deepEqual(last().actions, [{ "go:ping": 1 }]);
  clock.advance(1_600);
  assert.equal(states.at(-1), "slow");
  last().say({ "go:pong": 1 });
  assert.equal(states.at(-1), "slow");
  clock.advance(HEARTBEAT);
  last().say({ "go:pong": 2 });
  assert.equal(states.at(-1), "slow");
  clock.advance(HEARTBEAT / 4);
  last().say({ "go:pong": 3 });
  assert.equal(states.at(-1), "open");
});

test("a connection that answers nothing is dead, even when nobody closed it", () => {
  const { clock, sockets, last } = make();
  last().open();
  clock.advance(HEARTBEAT + DEAD);
  clock.advance(0);
  assert.equal(sockets[0]?.closed, true);
  assert.equal(sockets.length, 2);
});

test("a hidden page sends no heartbeats, since its timers do not keep time", () => {
  const { clock, page, last } = make();
  page.visible = false;
  last().open();
  clock.advance(HEARTBEAT * 5);
  assert.deepEqual(last().sent, []);
});

test("after disposal there are no timers and no new connections", () => {
  const { clock, sockets, socket, last } = make();
  last().open();
  socket.dispose();
  assert.equal(clock.pending, 0);
  clock.advance(100_000);
  assert.equal(sockets.length, 1);
});
