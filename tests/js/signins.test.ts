/** Rules of the list of sign-ins: what is understood, and in which order it is shown. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MessageError } from "../../static/src/messages";
import { describe, inOrder, parseSignIns, type SignInInfo } from "../../static/src/signins";

const one = (change: Partial<SignInInfo> = {}): SignInInfo => ({
  id: "0123456789abcdef", method: "file", address: "192.0.2.1", issued: 1, seen: 2, current: false, ...change,
});

test("sign-ins are read as the daemon tells them", () => {
  assert.deepEqual(parseSignIns([{ ...one() }]), [one()]);
  assert.deepEqual(parseSignIns([]), []);
});

test("an entry that could not be ended is left out, and missing members are blank", () => {
  for (const id of ["", "0123", "0123456789abcdeg", 1, null]) {
    assert.deepEqual(parseSignIns([{ ...one(), id }]), []);
  }
  assert.deepEqual(parseSignIns([{ id: one().id }]), [one({ method: "", address: "", issued: 0, seen: 0 })]);
  assert.deepEqual(parseSignIns([{ id: one().id, current: "yes" }])[0]?.current, false);
});

test("something else than a list of objects is not understood", () => {
  for (const value of [null, {}, "x", 1, [1], [null]]) {
    assert.throws(() => parseSignIns(value), MessageError);
  }
});

test("this page's own comes first, then the one used last", () => {
  const list = [one({ seen: 1 }), one({ seen: 9 }), one({ seen: 5, current: true })];
  assert.deepEqual(inOrder(list).map((entry) => entry.seen), [5, 9, 1]);
  assert.deepEqual(list.map((entry) => entry.seen), [1, 9, 5]);
});

test("a sign-in is called by its address and its method, as far as they are known", () => {
  assert.equal(describe(one()), "192.0.2.1, by file");
  assert.equal(describe(one({ address: "", method: "" })), "an unknown address");
});
