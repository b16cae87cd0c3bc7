/** What the page itself has to follow: theme, size above a soft keyboard, sound. */

import { chrome, findTheme, type Theme } from "./themes";

export interface PageSettings {
  /** Where the daemon lives on this host, with a slash at both ends. */
  readonly prefix: string;
  readonly upn: string;
  readonly version: string;
  readonly scrollback: number;
  /** False: terminals end with the page, so leaving asks first. */
  readonly persistent: boolean;
  /** Where to sign in again. */
  readonly signIn: string;
}

/** What the daemon wrote into the page; anything missing has a default. */
export function readPageSettings(content: string | null): PageSettings {
  let given: Record<string, unknown> = {};
  try {
    given = JSON.parse(content ?? "{}") as Record<string, unknown>;
  } catch {
    // A page without its settings still works at the usual place.
  }
  const word = (key: string, fallback: string) =>
    typeof given[key] === "string" ? (given[key] as string) : fallback;
  const prefix = word("prefix", "/");
  return {
    prefix,
    upn: word("upn", ""),
    version: word("version", ""),
    scrollback: typeof given["scrollback"] === "number" ? given["scrollback"] : 1000,
    persistent: given["persistent"] !== false,
    signIn: word("sign_in", prefix),
  };
}

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Puts the theme of this name on the page. */
export function applyTheme(id: string): Theme {
  const theme = findTheme(id, dark.matches);
  const root = document.documentElement;
  for (const [name, value] of Object.entries(chrome(theme))) root.style.setProperty(name, value);
  root.style.colorScheme = theme.dark ? "dark" : "light";
  root.dataset["theme"] = theme.id;
  return theme;
}

export function onSystemTheme(listener: () => void): void {
  dark.addEventListener("change", listener);
}

/** Keeps the page as high as what a soft keyboard leaves of it. */
export function followViewport(): void {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const follow = () => {
    document.documentElement.style.setProperty("--height", `${Math.round(viewport.height)}px`);
    window.scrollTo(0, 0);
  };
  viewport.addEventListener("resize", follow);
  follow();
}

let audio: AudioContext | null = null;
let lastBeep = -Infinity;

/** A short, soft tone; several bells at once are one. */
export function beep(): void {
  if (performance.now() - lastBeep < 300) return;
  lastBeep = performance.now();
  audio ??= new AudioContext();
  const [tone, gain] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = 660;
  gain.gain.setValueAtTime(0.08, audio.currentTime);
  gain.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.15);
  tone.connect(gain).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.16);
}
