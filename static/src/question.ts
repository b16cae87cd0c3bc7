/** What the daemon asks before a sign-in is complete: a code, a second password. */

import { ask } from "./dialogs";
import { h } from "./dom";
import { object, text, type Json } from "./messages";

export interface SignInQuestion {
  readonly messages: readonly string[];
  readonly prompts: readonly { readonly text: string; readonly hidden: boolean }[];
}

/** The daemon's `go:question`. */
export function parseQuestion(value: Json): SignInQuestion {
  const from = object(value);
  const list = (name: string) => (Array.isArray(from[name]) ? (from[name] as Json[]) : []);
  return {
    messages: list("messages").map((message) => text(message)).filter(Boolean),
    prompts: list("prompts").map(object).map((prompt) => ({
      text: text(prompt["text"], "Answer"),
      // What might be secret is not shown.
      hidden: prompt["hidden"] !== false,
    })),
  };
}

/** Asks the person; null when the question was closed without an answer. */
export async function questionDialog(question: SignInQuestion, signal: AbortSignal): Promise<string[] | null> {
  const fields = question.prompts.map((prompt, index) =>
    h("input", {
      type: prompt.hidden ? "password" : "text",
      autocomplete: /code|token/i.test(prompt.text) ? "one-time-code" : "off",
      autocapitalize: "none",
      spellcheck: "false",
      maxlength: "1024",
      autofocus: index === 0,
    }),
  );
  const rows = question.prompts.map((prompt, index) =>
    h("label", { class: "setting" }, h("span", { class: "setting-name" }, prompt.text), fields[index] ?? null),
  );
  const choice = await ask({
    title: "Sign in",
    body: [...question.messages.map((message) => h("p", {}, message)), ...rows],
    choices: [
      { id: "cancel", label: "Cancel" },
      { id: "answer", label: "Go on", kind: "primary" },
    ],
    cancel: "cancel",
    signal,
  });
  return choice === "answer" ? fields.map((field) => field.value) : null;
}
