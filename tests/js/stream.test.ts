/** Rules of a terminal's stream: drawn once, in order, at the right size, silent in a replay. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ACK, INPUT, decodeFrame, type Frame } from "../../static/src/frames";
import type { Attached, JsonObject } from "../../static/src/messages";
import { ACK_EVERY, ACK_IDLE, BLIND, TerminalStream } from "../../static/src/stream";
import { FakeClock, FakeScreen, bytes, seeded } from "./fakes";

function attached(change: Partial<Attached> = {}): Attached {
  return {
    term: 1, epoch: "e", reset: false, offset: 0, live: 0, rows: 24, columns: 80,
    resizes: [], input: 0, title: "", command: "", viewers: 1, answers: true, ...change,
  };
}

function make(eager = true) {
  const clock = new FakeClock();
  const screen = new FakeScreen(eager);
  const sent: Frame[] = [];
  const requests: JsonObject[] = [];
  const endings: unknown[] = [];
  const stream = new TerminalStream(1, {
    clock,
    screen,
    sendFrame: (frame) => {
      sent.push(decodeFrame(frame.slice()));
      return true;
    },
    attach: (request) => requests.push(request),
    onAttached: () => undefined,
    onEnded: (ending) => endings.push(ending),
  });
  return { clock, screen, sent, requests, endings, stream };
}

const typed = (sent: Frame[]) => sent.filter((frame) => frame.kind === INPUT);

test("bytes that come twice are drawn once", () => {
  const { stream, screen } = make();
  stream.onAttached(attached());
  stream.onOutput(0, bytes("hello"));
  stream.onOutput(2, bytes("llo world"));
  stream.onOutput(0, bytes("hell"));
  assert.equal(screen.text, "hello world");
});

test("a hole in the output is not drawn over: the page attaches again from where it is", () => {
  const { stream, screen, requests } = make();
  stream.onAttached(attached());
  stream.onOutput(0, bytes("abc"));
  stream.onOutput(5, bytes("fgh"));
  stream.onOutput(8, bytes("ijk"));
  assert.equal(requests.length, 1);
  assert.equal(requests[0]?.["have"], 3);
  assert.equal(requests[0]?.["epoch"], "e");
  stream.onAttached(attached({ offset: 3, live: 11 }));
  stream.onOutput(3, bytes("defghijk"));
  assert.equal(screen.text, "abcdefghijk");
});

test("every byte reaches the screen exactly once across any number of losses and any splits", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const { stream, screen } = make(false);
    const all = Array.from({ length: 900 }, (_, index) => String.fromCharCode(97 + (index % 26))).join("");
    stream.onAttached(attached());
    let have = 0;
    while (have < all.length) {
      // The daemon may send again what the page has, and then goes on until the next loss.
      let at = Math.max(0, have - Math.floor(random() * 30));
      for (let frames = Math.floor(random() * 8); frames > 0 && at < all.length; frames--) {
        const size = 1 + Math.floor(random() * 40);
        stream.onOutput(at, bytes(all.slice(at, at + size)));
        at = Math.min(all.length, at + size);
        screen.draw(Math.floor(random() * 3));
      }
      if (random() < 0.5) {
        stream.onLost();
        have = stream.request()["have"] as number;
        const live = Math.min(all.length, have + Math.floor(random() * 50));
        stream.onAttached(attached({ offset: have, live }));
      } else {
        have = stream.request()["have"] as number;
      }
    }
    screen.draw();
    assert.equal(screen.text, all, `seed ${seed}`);
  }
});

test("a reset clears first, is restored, and only then goes on, and old drawings count for nothing", () => {
  const { stream, screen, sent, clock } = make(false);
  stream.onAttached(attached());
  stream.onOutput(0, bytes("old"));
  stream.onOutput(3, bytes("older"));
  stream.onLost();
  stream.onAttached(attached({ reset: true, offset: 1_000, live: 1_000, rows: 30, columns: 90 }));
  stream.onRestore(bytes("R"));
  stream.onOutput(1_000, bytes("new"));
  screen.draw();
  assert.equal(screen.text, "Rnew");
  assert.equal(screen.mutedText, "R");
  assert.deepEqual(screen.log.slice(-7), ["reset", "unmute", "30x90", "mute", '"R"', "unmute", '"new"']);
  clock.advance(ACK_IDLE);
  assert.deepEqual(sent.filter((frame) => frame.kind === ACK).map((frame) => frame.offset), [1_003]);
});

test("what is replayed is drawn mute, what is live is not, to the byte", () => {
  const { stream, screen } = make();
  stream.onAttached(attached({ offset: 0, live: 5 }));
  stream.onOutput(0, bytes("replaLIVE"));
  assert.equal(screen.mutedText, "repla");
  assert.deepEqual(screen.log.filter((entry) => entry.endsWith("mute")), ["unmute", "mute", "unmute"]);
});

test("without a replay nothing is muted", () => {
  const { stream, screen } = make();
  stream.onAttached(attached({ offset: 7, live: 7 }));
  stream.onOutput(7, bytes("live"));
  assert.equal(screen.mutedText, "");
});

test("a new size takes effect at its offset, not when the message happens to come", () => {
  const { stream, screen } = make(false);
  stream.onAttached(attached({ offset: 0, live: 6, rows: 10, columns: 20, resizes: [[2, 11, 21], [4, 12, 22]] }));
  stream.onResize(8, 13, 23);
  stream.onOutput(0, bytes("aabbccdd"));
  stream.onOutput(8, bytes("ee"));
  stream.onResize(5, 14, 24);
  screen.draw();
  const seen = screen.log.filter((entry) => !entry.endsWith("mute") && entry !== "reset");
  assert.deepEqual(seen, ["10x20", '"aa"', "11x21", '"bb"', "12x22", '"cc"', '"dd"', "13x23", '"ee"', "14x24"]);
});

test("what is drawn is acknowledged soon, and during a flood at least every 128 KiB", () => {
  const { stream, screen, sent, clock } = make(false);
  stream.onAttached(attached());
  stream.onOutput(0, bytes("x"));
  clock.advance(ACK_IDLE * 2);
  assert.equal(sent.length, 0, "received is not drawn");
  screen.draw();
  clock.advance(ACK_IDLE);
  assert.equal(sent.at(-1)?.offset, 1);
  const block = new Uint8Array(16_384).fill(120);
  for (let at = 1; at < 1 + 20 * block.length; at += block.length) stream.onOutput(at, block);
  screen.draw();
  const offsets = sent.map((frame) => frame.offset);
  offsets.forEach((offset, index) => {
    if (index > 0) assert.ok(offset - (offsets[index - 1] ?? 0) <= 65_536);
  });
  clock.advance(ACK_IDLE);
  assert.equal(sent.at(-1)?.offset, 1 + 20 * block.length);
  assert.ok(ACK_EVERY <= 65_536);
});

test("a key typed before a loss is sent again once if it was not applied, never if it was", () => {
  const { stream, sent } = make();
  stream.onAttached(attached());
  stream.type(bytes("ab"));
  stream.type(bytes("cd"));
  stream.onInputAck(1);
  stream.onLost();
  sent.length = 0;
  stream.onAttached(attached({ input: 3 }));
  assert.deepEqual(typed(sent).map((frame) => [frame.offset, String.fromCharCode(...frame.payload)]), [[3, "d"]]);
  stream.type(bytes("e"));
  assert.equal(typed(sent).at(-1)?.offset, 4);
});

test("keys typed into a long outage are refused instead of being typed blindly later", () => {
  const { stream, clock, sent } = make();
  stream.onAttached(attached());
  stream.onLost();
  assert.equal(stream.type(bytes("a")), true);
  clock.advance(BLIND + 1);
  assert.equal(stream.type(bytes("rm\r")), false);
  stream.onAttached(attached());
  assert.deepEqual(typed(sent).map((frame) => String.fromCharCode(...frame.payload)), ["a"]);
});

test("a daemon that knows nothing of this page's input gets a new stream, not a gap", () => {
  const { stream, requests, sent } = make();
  stream.onAttached(attached());
  const before = stream.request()["viewer"];
  stream.type(bytes("abc"));
  stream.onInputAck(3);
  stream.onLost();
  stream.onAttached(attached({ input: 0 }));
  assert.equal(requests.length, 1);
  assert.notEqual(requests[0]?.["viewer"], before);
  stream.onAttached(attached({ input: 0 }));
  sent.length = 0;
  stream.type(bytes("d"));
  assert.equal(typed(sent)[0]?.offset, 0);
});

test("the end of the program is told after its last output is drawn, and nothing is typed into it", () => {
  const { stream, screen, endings } = make(false);
  stream.onAttached(attached());
  stream.onOutput(0, bytes("bye"));
  stream.onExited({ code: 3, signal: null });
  assert.deepEqual(endings, []);
  screen.draw();
  assert.deepEqual(endings, [{ code: 3, signal: null }]);
  assert.equal(stream.type(bytes("x")), false);
});
