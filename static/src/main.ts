/** Wires the parts of the page to each other, and does nothing else. */

import "@xterm/xterm/css/xterm.css";
import "../style.css";

import { Banner } from "./banner";
import { Client } from "./client";
import { pageClock } from "./clock";
import { expose } from "./debug";
import { Toasts } from "./dialogs";
import { h, iconButton } from "./dom";
import { FindBar } from "./find";
import { KeyBar } from "./keybar";
import { openMenu } from "./menu";
import type { CommandInfo } from "./messages";
import { applyTheme, beep, followViewport, onSystemTheme, readPageSettings } from "./page";
import { confirmClose, settingsDialog, shortcutsDialog, signInDialog } from "./panes";
import { questionDialog, type SignInQuestion } from "./question";
import { DEFAULTS, SettingsStore, type Store } from "./settings";
import { SignInsDialog } from "./signins";
import { match, type Command } from "./shortcuts";
import { Typing } from "./typing";
import { Workspace } from "./workspace";

const page = readPageSettings(document.querySelector<HTMLMetaElement>('meta[name="gotwist"]')?.content ?? null);
const location_ = new URLSearchParams(location.search).get("location") || "default";
const address = new URL(`${page.prefix}ws`, location.href);
address.protocol = address.protocol.replace("http", "ws");
address.hash = "";

const store = browserStore();
const settings = new SettingsStore(store, page.upn, { ...DEFAULTS, scrollback: page.scrollback });
let theme = applyTheme(settings.current.theme);
let upn = page.upn;
let commands: CommandInfo[] = [];
let signInQuestion: AbortController | null = null;

const toasts = new Toasts();
const banner = new Banner(pageClock.now, () => client.socket.retry());
const typing = new Typing(toasts, () => client.socket.nudge());
const find = new FindBar(() => theme);
const keyBar = new KeyBar({
  onKey: (data) => workspace.active && typing.input(workspace.active, new TextEncoder().encode(data)),
  onPaste: () => workspace.active && void typing.pasteFromClipboard(workspace.active),
  isApplicationMode: () => workspace.active?.view.xterm.modes.applicationCursorKeysMode ?? false,
});
const workspace = new Workspace({
  client: () => client,
  clock: pageClock,
  store,
  storeKey: () => `gotwist.tabs.${upn}.${location_}`,
  settings: () => settings.current,
  theme: () => theme,
  confirmClose,
  onBell: () => settings.current.bell === "sound" && beep(),
  onActive: (pane) => {
    find.close();
    document.title = pane ? `${pane.title} — gotwist` : "gotwist";
    if (pane) pane.view.transform = (data) => keyBar.transform(data);
  },
  terminalEvents: (pane) => ({
    onInput: (bytes) => typing.input(pane(), bytes),
    onPaste: (text, bracketed) => void typing.paste(pane(), text, bracketed),
    onCopyRequest: (text) => void typing.copyRequest(text),
    onNotice: (message) => toasts.show(message),
    onSelection: (text) => settings.current.copyOnSelect && void typing.copy(text),
    onZoom: (steps) => settings.change({ fontSize: settings.current.fontSize + steps }),
    isShortcut: (event) => shortcut(event) !== null,
  }),
});
const client: Client = new Client({
  connect: () => new WebSocket(address),
  clock: pageClock,
  random: Math.random,
  isVisible: () => document.visibilityState === "visible",
  greeting: { auth: null, location: location_, prefix: page.prefix, url: location.origin + location.pathname },
  events: {
    onState: (state) => {
      // The first state comes while the client is still being made.
      const live = state.kind !== "connecting" && client.isSignedIn;
      banner.show(state, live);
      workspace.freeze(!live);
      if (state.kind === "signed-out") {
        signIns.close();
        void signIn();
      } else if (live) signInQuestion?.abort();
    },
    onUser: (name) => {
      upn = name;
      userButton.title = name;
    },
    onTerminals: (terminals, gone) => workspace.onTerminals(terminals, gone),
    onOpenFailed: (stream, message) => workspace.onOpenFailed(stream, message),
    onTitle: (term, title) => workspace.onTitle(term, title),
    onGone: (term) => workspace.onGone(term),
    onReset: (term) => workspace.onReset(term),
    onNotice: (message) => toasts.show(message, { for: 10_000 }),
    onSignIns: (list) => signIns.show(list),
    onQuestion: (question) => void answer(question),
    onCommands: (list) => {
      commands = list;
      chooseCommand();
    },
  },
});

const signIns = new SignInsDialog({
  refresh: () => client.act("go:list_sign_ins", null),
  end: (id) => client.act("go:end_sign_in", id),
  endAll: () => client.act("go:sign_out_everywhere", null),
});

const newButton = iconButton("New terminal", "plus", () => workspace.open());
const chooseButton = iconButton("New terminal with a command", "down", () => {
  if (!client.act("terminal:enumerate_commands", null)) chooseCommand();
}, "icon-button narrow");
const userButton = iconButton("User", "user", () =>
  openMenu(userButton, "User", [
    upn ? `Signed in as ${upn}` : "Not signed in",
    { label: "Settings", onSelect: () => run("settings") },
    { label: "Keyboard shortcuts", onSelect: () => run("help") },
    { label: "Where you are signed in", onSelect: () => void signIns.open() },
    { label: "Sign out", onSelect: () => void client.act("go:sign_out", null) },
  ]),
);
for (const button of [chooseButton, userButton]) {
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
}

function chooseCommand(): void {
  const items = commands.map(({ name, description }) => ({
    label: name,
    detail: description,
    onSelect: () => void workspace.open(name),
  }));
  openMenu(chooseButton, "Commands", items.length > 0 ? items : ["No commands to choose from"]);
}

/** Without an answer the daemon hangs up, and the page says that it is signed out. */
async function answer(question: SignInQuestion): Promise<void> {
  signInQuestion?.abort();
  signInQuestion = new AbortController();
  const { signal } = signInQuestion;
  const texts = await questionDialog(question, signal);
  if (signInQuestion?.signal === signal) signInQuestion = null;
  if (texts !== null) client.act("go:answer", texts);
}

async function signIn(): Promise<void> {
  if (signInQuestion !== null) return;
  signInQuestion = new AbortController();
  const choice = await signInDialog(signInQuestion.signal);
  signInQuestion = null;
  if (choice === "window") window.open(page.signIn, "_blank", "noopener");
  else if (choice === "retry") client.socket.retry();
}

function shortcut(event: KeyboardEvent): Command | null {
  // AltGr is Ctrl+Alt on some systems, and F1 is the program's own while it has the focus.
  if (event.type !== "keydown" || event.isComposing || event.getModifierState("AltGraph")) return null;
  const inTerminal = event.target instanceof Element && event.target.closest(".terminal-host") !== null;
  return event.key === "F1" && inTerminal ? null : match(event);
}

function run(command: Command): void {
  const { active } = workspace;
  const size = settings.current.fontSize;
  if (command === "new") workspace.open();
  else if (command === "close") active && void workspace.close(active.id);
  else if (command === "next") workspace.step(1);
  else if (command === "previous") workspace.step(-1);
  else if (command === "move-left") active && workspace.tabs.move(active.id, -1);
  else if (command === "move-right") active && workspace.tabs.move(active.id, 1);
  else if (command === "find") active && find.open(active.view);
  else if (command === "copy") active && void typing.copy(active.view.xterm.getSelection());
  else if (command === "larger") settings.change({ fontSize: size + 1 });
  else if (command === "smaller") settings.change({ fontSize: size - 1 });
  else if (command === "normal") settings.change({ fontSize: DEFAULTS.fontSize });
  else if (command === "leave") workspace.tabs.focus();
  else if (command === "settings") void settingsDialog(settings);
  else if (command === "help") void shortcutsDialog(page.version);
  else if (command.startsWith("tab-")) {
    const pane = workspace.all[Number(command.slice(4)) - 1];
    if (pane) workspace.select(pane.id);
  }
}

function applySettings(): void {
  theme = applyTheme(settings.current.theme);
  workspace.apply(settings.current, theme);
  const touch = matchMedia("(pointer: coarse)").matches;
  const { keyBar: wish } = settings.current;
  keyBar.element.hidden = wish === "never" || (wish === "auto" && !touch);
}

function browserStore(): Store | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

// The connection is made while the page is still being put together.
client.socket.start();
document.body.append(
  h(
    "header",
    { class: "bar" },
    workspace.tabs.element,
    h("div", { class: "bar-new" }, newButton, chooseButton),
    h("div", { class: "bar-space" }),
    iconButton("Find", "search", () => run("find")),
    iconButton("Settings", "sliders", () => run("settings")),
    iconButton("Keyboard shortcuts", "keyboard", () => run("help")),
    userButton,
  ),
  workspace.element,
  keyBar.element,
  toasts.element,
);
workspace.element.append(banner.element, find.element);
applySettings();
followViewport();
expose(client, workspace, () => upn);

settings.onChange(applySettings);
onSystemTheme(applySettings);
window.addEventListener("online", () => client.socket.nudge());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  // Perhaps the user has just signed in in another window.
  if (client.socket.state.kind === "signed-out") client.socket.retry();
  else client.socket.nudge();
});
document.addEventListener("keydown", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const command = shortcut(event);
  if (command === null) return;
  // The browser's own paste brings the text without asking for permission.
  if (command !== "paste") {
    event.preventDefault();
    run(command);
  }
}, true);
window.addEventListener("beforeunload", (event) => {
  const running = workspace.all.some((pane) => pane.stream.ended === null);
  if (workspace.pendingInput > 0 || (!page.persistent && running)) event.preventDefault();
});
