/** What a user likes, in xterm.js's words. */

import type { ITerminalOptions } from "@xterm/xterm";

import { FONT, type Settings } from "./settings";
import { xtermTheme, type Theme } from "./themes";

export function options(settings: Settings, theme: Theme): ITerminalOptions {
  return {
    cursorBlink: settings.cursorBlink && !matchMedia("(prefers-reduced-motion: reduce)").matches,
    cursorStyle: settings.cursorStyle,
    fontFamily: settings.fontFamily ? `${settings.fontFamily}, ${FONT}` : FONT,
    fontSize: settings.fontSize,
    lineHeight: settings.lineHeight,
    minimumContrastRatio: settings.contrast,
    screenReaderMode: settings.screenReader,
    scrollback: settings.scrollback,
    theme: xtermTheme(theme),
  };
}
