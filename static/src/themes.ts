/** The colours of terminal and page. Everything around the terminal is mixed from its own colours. */

export interface Theme {
  readonly id: string;
  readonly name: string;
  readonly dark: boolean;
  readonly background: string;
  readonly foreground: string;
  readonly accent: string;
  readonly selection: string;
  /** black red green yellow blue magenta cyan white, then the bright ones. */
  readonly ansi: readonly string[];
}

function theme(
  id: string,
  name: string,
  dark: boolean,
  [background, foreground, accent, selection]: readonly [string, string, string, string],
  ansi: string,
): Theme {
  const colours = ansi.split(" ").map((colour) => `#${colour}`);
  return { id, name, dark, background, foreground, accent, selection, ansi: colours };
}

const SOLARIZED =
  "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 " +
  "586e75 cb4b16 93a1a1 657b83 839496 6c71c4 93a1a1 fdf6e3";

export const THEMES: readonly Theme[] = [
  theme(
    "dark",
    "Dark",
    true,
    ["#15181e", "#d6dae2", "#6cb2ff", "#33517a"],
    "2a2f38 f0717b 8ccf7e e5c76b 6cb2ff c792ea 67cbe7 c9ced8 " +
      "69717f ff8f97 a8e39b f2d98c 93c8ff dbb0f5 93dff2 f5f7fa",
  ),
  theme(
    "light",
    "Light",
    false,
    ["#fcfcfd", "#23272f", "#0b62c4", "#bcd9fb"],
    "23272f c4283a 1f7a36 8a5d00 0b62c4 8a3ab0 0b7285 5d6470 " +
      "6b7280 a81c2d 17622a 704b00 084c99 6f2a90 085a6a 3d434d",
  ),
  theme(
    "solarized-dark",
    "Solarized Dark",
    true,
    ["#002b36", "#93a1a1", "#4ba3e3", "#063a47"],
    SOLARIZED,
  ),
  theme(
    "solarized-light",
    "Solarized Light",
    false,
    ["#fdf6e3", "#4f646b", "#1a6aa6", "#d9e4d7"],
    SOLARIZED,
  ),
  theme(
    "high-contrast",
    "High Contrast",
    true,
    ["#000000", "#ffffff", "#ffd400", "#0050d0"],
    "000000 ff6b6b 4dff6a ffe94d 6fb4ff ff85ff 5cf2ff ffffff " +
      "a6a6a6 ff9494 8dffa0 fff28c a6d1ff ffb3ff a0f8ff ffffff",
  ),
  theme(
    "harbour",
    "Harbour",
    true,
    ["#10222b", "#cfe3e6", "#5fd0c5", "#1f5160"],
    "1d3540 f27d72 8fd694 ecc66f 69b7ef c69cf0 5fd0c5 cfe3e6 " +
      "68858f ff9d93 aeeab2 f8da94 97cffb dbbcfb 8fe8df f1fbfc",
  ),
  theme(
    "ember",
    "Ember",
    true,
    ["#1d1614", "#eadfd6", "#ff9d5c", "#5a3a29"],
    "332724 f2695c b4c765 f0b354 7fa9d6 d68cb0 85bfae eadfd6 " +
      "8a7468 ff8d82 cbdc86 ffcb7d a3c4e8 e9acc9 a8dacb fff8f2",
  ),
];

/** The theme of this name; anything else follows the system. */
export function findTheme(id: string, systemIsDark: boolean): Theme {
  const found = THEMES.find((candidate) => candidate.id === id);
  return found ?? findTheme(systemIsDark ? "dark" : "light", systemIsDark);
}

/** The page's colours, as custom properties; text is made readable on the ground it is put on. */
export function chrome(theme: Theme): Record<string, string> {
  const { background, foreground } = theme;
  const strong = theme.id === "high-contrast";
  const raised = mix(background, foreground, strong ? 0 : 0.09);
  const hover = mix(background, foreground, strong ? 0.25 : 0.14);
  const accent = readable(theme.accent, raised);
  return {
    "--bg": background,
    "--fg": readable(foreground, hover),
    "--accent": accent,
    "--on-accent": contrast(accent, "#000000") > contrast(accent, "#ffffff") ? "#000000" : "#ffffff",
    "--bar": mix(background, foreground, strong ? 0 : 0.055),
    "--raised": raised,
    "--hover": hover,
    "--line": mix(background, foreground, strong ? 1 : 0.17),
    "--edge": readable(mix(background, foreground, strong ? 1 : 0.5), raised, 3),
    "--muted": readable(mix(background, foreground, strong ? 1 : 0.8), raised),
    "--danger": readable(theme.dark ? "#ff8585" : "#b3202f", raised),
    "--warn": readable(theme.dark ? "#f2c661" : "#7a5200", raised),
  };
}

/** This colour, or as much lighter or darker as it takes to be read on `ground`. */
function readable(colour: string, ground: string, ratio = 4.6): string {
  const end = luminance(ground) > 0.18 ? "#000000" : "#ffffff";
  let share = 0;
  while (share < 1 && contrast(mix(colour, end, share), ground) < ratio) share += 0.05;
  return mix(colour, end, share);
}

/** xterm.js's own theme object. */
export function xtermTheme(theme: Theme): Record<string, string> {
  const names = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
  const colours: Record<string, string> = {
    background: theme.background,
    foreground: theme.foreground,
    cursor: theme.accent,
    cursorAccent: theme.background,
    selectionBackground: theme.selection,
    selectionInactiveBackground: mix(theme.selection, theme.background, 0.4),
    scrollbarSliderBackground: `${theme.foreground}30`,
    scrollbarSliderHoverBackground: `${theme.foreground}55`,
    scrollbarSliderActiveBackground: `${theme.foreground}70`,
  };
  names.forEach((name, index) => {
    const bright = `bright${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    colours[name] = theme.ansi[index] ?? theme.foreground;
    colours[bright] = theme.ansi[index + 8] ?? theme.foreground;
  });
  return colours;
}

/** Between two colours, `share` of the second. */
export function mix(first: string, second: string, share: number): string {
  const [a, b] = [channels(first), channels(second)];
  const mixed = a.map((value, index) => Math.round(value + ((b[index] ?? 0) - value) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Contrast ratio as WCAG defines it, 1 to 21. */
export function contrast(first: string, second: string): number {
  const [a, b] = [luminance(first), luminance(second)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function channels(colour: string): number[] {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
    const part = value / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
