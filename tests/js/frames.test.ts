/** Rules of the binary frames; the vectors are those of the daemon. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { FrameError, INPUT, OUTPUT, decodeFrame, encodeFrame, type FrameKind } from "../../static/src/frames";

interface Vector {
  readonly name: string;
  readonly kind: FrameKind;
  readonly terminal: number;
  /** Decimal, since it may be more than a number of JavaScript holds. */
  readonly offset: string;
  readonly payload: string;
  readonly hex: string;
}

interface Vectors {
  readonly valid: readonly Vector[];
  readonly malformed: readonly { readonly name: string; readonly hex: string }[];
}

const unhex = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const vectors = JSON.parse(readFileSync("tests/vectors/frames.json", "utf8")) as Vectors;

for (const { name, hex: wire, kind, terminal, offset, payload } of vectors.valid) {
  if (!Number.isSafeInteger(Number(offset))) {
    test(`an offset this page cannot count to is refused, not rounded: ${name}`, () => {
      assert.throws(() => decodeFrame(unhex(wire)), FrameError);
    });
    continue;
  }
  test(`the daemon and the page read and write the same frame: ${name}`, () => {
    assert.equal(hex(encodeFrame(kind, terminal, Number(offset), unhex(payload))), wire);
    const frame = decodeFrame(unhex(wire));
    assert.deepEqual(
      [frame.kind, frame.terminal, String(frame.offset), hex(frame.payload)],
      [kind, terminal, offset, payload],
    );
  });
}

for (const { name, hex: wire } of vectors.malformed) {
  test(`the page refuses what the daemon refuses: ${name}`, () => {
    assert.throws(() => decodeFrame(unhex(wire)), FrameError);
  });
}

test("a frame that breaks a rule is refused, not guessed at", () => {
  const good = unhex("0100000000000001000000000000000068");
  const change = (at: number, value: number) => good.map((byte, index) => (index === at ? value : byte));
  decodeFrame(good);
  for (const bad of [
    good.subarray(0, 15),
    good.subarray(0, 16),
    change(0, 0),
    change(0, 6),
    change(1, 1),
    change(2, 1),
    change(7, 0),
    change(4, 0x80),
    change(8, 0xff),
  ]) {
    assert.throws(() => decodeFrame(bad), FrameError);
  }
  assert.throws(() => encodeFrame(INPUT, 1, 0, new Uint8Array(32_769)), FrameError);
  assert.throws(() => encodeFrame(OUTPUT, 1, 0), FrameError);
  assert.throws(() => encodeFrame(INPUT, 1, -1, new Uint8Array(1)), FrameError);
});
