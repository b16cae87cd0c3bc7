/** Rules of questions during a sign-in: what is understood, and what is never shown. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { MessageError } from "../../static/src/messages";
import { parseQuestion } from "../../static/src/question";

test("a question is read as the daemon asks it", () => {
  const prompts = [{ text: "Code", hidden: false }, { text: "PIN", hidden: true }];
  assert.deepEqual(parseQuestion({ messages: ["Hello."], prompts }), { messages: ["Hello."], prompts });
});

test("what does not say that it may be shown is hidden", () => {
  assert.deepEqual(parseQuestion({ prompts: [{ text: 1 }, { hidden: 0 }] }).prompts, [
    { text: "Answer", hidden: true },
    { text: "Answer", hidden: true },
  ]);
});

test("a question of nothing is one to be read only, and no object is none", () => {
  assert.deepEqual(parseQuestion({}), { messages: [], prompts: [] });
  for (const value of [null, [], "x"]) assert.throws(() => parseQuestion(value), MessageError);
});
