/** Rules of typing and pasting: bounded, in order, once. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_INPUT } from "../../static/src/frames";
import { BURST, InputStream, MAX_PENDING, RATE, WINDOW, newViewer } from "../../static/src/input";
import { FakeClock, bytes, seeded } from "./fakes";

test("in the long run no more is sent in a second than the daemon takes", () => {
  const clock = new FakeClock();
  let end = 0;
  const stream = new InputStream((offset, payload) => {
    end = offset + payload.length;
    return true;
  }, clock);
  stream.resume(0);
  stream.write(new Uint8Array(4 * 1024 * 1024));
  const drain = () => {
    for (let before = -1; before !== end; ) {
      before = end;
      stream.acknowledge(end);
    }
  };
  drain();
  assert.ok(end >= BURST && end <= BURST + MAX_INPUT);
  for (let second = 1; second <= 5; second++) {
    for (let step = 0; step < 10; step++) {
      clock.advance(100);
      drain();
    }
    assert.ok(end <= BURST + second * RATE + MAX_INPUT);
    assert.ok(end >= BURST + second * RATE - MAX_INPUT);
  }
});

test("a large paste goes in frames of at most 32 KiB and never more than 64 KiB ahead", () => {
  let end = 0;
  let applied = 0;
  const clock = new FakeClock();
  const stream = new InputStream((offset, payload) => {
    assert.equal(offset, end);
    assert.ok(payload.length <= MAX_INPUT);
    end = offset + payload.length;
    assert.ok(end - applied <= WINDOW);
    return true;
  }, clock);
  stream.resume(0);
  const size = 3 * 1024 * 1024 + 17;
  assert.equal(stream.write(new Uint8Array(size)), true);
  assert.equal(end, WINDOW);
  while (applied < size) {
    applied = Math.min(end, applied + 50_000);
    stream.acknowledge(applied);
    clock.advance(1_000);
  }
  assert.equal(end, size);
  assert.equal(stream.pendingBytes, 0);
});

test("more than 16 MiB at once is refused whole, and the stream stays usable", () => {
  const stream = new InputStream(() => true, new FakeClock());
  assert.equal(stream.write(new Uint8Array(MAX_PENDING + 1)), false);
  assert.equal(stream.pendingBytes, 0);
  assert.equal(stream.write(bytes("x")), true);
});

test("the rest of a paste can be called off", () => {
  let end = 0;
  const stream = new InputStream((offset, payload) => {
    end = offset + payload.length;
    return true;
  }, new FakeClock());
  stream.resume(0);
  stream.write(new Uint8Array(WINDOW * 2));
  stream.discardPending();
  stream.acknowledge(WINDOW);
  assert.equal(end, WINDOW);
});

test("the program sees every key once and in order, whatever is lost on the way", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    let program = "";
    let online = true;
    const stream = new InputStream((offset, payload) => {
      // The daemon's rule: what it has is dropped, a gap is an error.
      if (!online) return false;
      if (random() < 0.1) return (online = false);
      assert.ok(offset <= program.length);
      program += String.fromCharCode(...payload.subarray(program.length - offset));
      return true;
    }, new FakeClock());
    stream.resume(0);
    let all = "";
    for (let step = 0; step < 200; step++) {
      const word = String.fromCharCode(97 + (step % 26)).repeat(1 + Math.floor(random() * 3));
      all += word;
      stream.write(bytes(word));
      if (random() < 0.3) stream.acknowledge(Math.floor(random() * (program.length + 1)));
      if (!online || random() < 0.05) {
        stream.pause();
        online = true;
        assert.equal(stream.resume(program.length), true);
      }
    }
    stream.pause();
    online = true;
    while (program.length < all.length) {
      stream.pause();
      online = true;
      stream.resume(program.length);
    }
    assert.equal(program, all, `seed ${seed}`);
  }
});

test("a viewer's name is 16 hex digits and not the same twice", () => {
  assert.match(newViewer(), /^[0-9a-f]{16}$/);
  assert.notEqual(newViewer(), newViewer());
});
