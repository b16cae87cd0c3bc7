/** Rules of the clipboard: nothing pasted acts by surprise, nothing is ever read by a program. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MAX_COPY, parseCopyRequest, preparePaste, preview, sanitize } from "../../static/src/clipboard";

test("line breaks of any system become the Return key", () => {
  assert.equal(sanitize("a\r\nb\nc\rd"), "a\rb\rc\rd");
});

test("a pasted text cannot end its own brackets, nor bring any escape sequence", () => {
  const hostile = "ls\x1b[201~rm -rf ~\n\x1b]52;c;?\x07\x9b201~\x1b\x1b[201~[201~";
  const { text } = preparePaste(hostile, true);
  assert.ok(text.startsWith("\x1b[200~") && text.endsWith("\x1b[201~"));
  assert.doesNotMatch(text.slice(6, -6), /[\x1b\x9b\x07]/);
});

test("one harmless line is pasted without a question", () => {
  const paste = preparePaste("ls -l\t/tmp", false);
  assert.deepEqual([paste.text, paste.reasons], ["ls -l\t/tmp", []]);
});

test("outside a bracketed paste a line break, a control character and a huge line are shown first", () => {
  for (const text of ["ls\n", "a\nb", "a\x03", "x".repeat(5_000)]) {
    assert.equal(preparePaste(text, false).reasons.length, 1, JSON.stringify(text.slice(0, 9)));
    assert.equal(preparePaste(text, true).reasons.length, 0);
  }
});

test("a paste as one line runs nothing", () => {
  assert.equal(preparePaste("a\nb\r\n\r\nc\n", false).oneLine, "a b c");
  assert.equal(preparePaste("a\nb\nc\n", false).lines, 3);
});

test("the preview shows what cannot be seen, and not megabytes of it", () => {
  assert.equal(preview("a\x03\rb\x7f"), "a␃⏎\nb␡");
  assert.ok(preview("x".repeat(100_000)).length < 2_100);
});

test("a program may put text on the clipboard, up to a limit, and never learns what is there", () => {
  assert.deepEqual(parseCopyRequest("c;aGVsbG8="), { text: "hello" });
  assert.deepEqual(parseCopyRequest("c;w6k="), { text: "é" });
  for (const refused of ["c;?", "c;", "nothing", "c;***", "c;/w=="]) {
    assert.equal(parseCopyRequest(refused), null, refused);
  }
  const big = btoa("x".repeat(MAX_COPY));
  assert.ok("text" in (parseCopyRequest(`c;${big}`) ?? {}));
  assert.ok("refused" in (parseCopyRequest(`c;${btoa("x".repeat(MAX_COPY + 3))}`) ?? {}));
});
