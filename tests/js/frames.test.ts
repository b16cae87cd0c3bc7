/** Rules of the binary frames; the vectors are those of the daemon. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { FrameError, INPUT, OUTPUT, decodeFrame, encodeFrame, type FrameKind } from "../../static/src/frames";

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly kind: FrameKind;
  readonly terminal: number;
  readonly offset: number;
  readonly payload_hex: string;
}

const unhex = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const { frames } = JSON.parse(readFileSync("tests/vectors/frames.json", "utf8")) as { frames: Vector[] };

for (const { name, hex: wire, kind, terminal, offset, payload_hex } of frames) {
  test(`the daemon and the page read and write the same frame: ${name}`, () => {
    if (!Number.isSafeInteger(offset)) {
      assert.throws(() => decodeFrame(unhex(wire)), FrameError);
      return;
    }
    assert.equal(hex(encodeFrame(kind, terminal, offset, unhex(payload_hex))), wire);
    const frame = decodeFrame(unhex(wire));
    assert.deepEqual(
      [frame.kind, frame.terminal, frame.offset, hex(frame.payload)],
      [kind, terminal, offset, payload_hex],
    );
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
