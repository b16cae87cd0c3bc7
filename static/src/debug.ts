/**
 * `window.gotwist`: a small read-only view of the page, for tests and for people who look
 * for a fault.
 *
 *     gotwist.state()          connection, user, active terminal's number
 *     gotwist.terminals()      [{term, title, received, drawn, muted, live, webgl}] in tab order
 *     gotwist.serialize(term)  {rows, columns, cursor, buffer, lines, modes}: every line of the
 *                              buffer as text, with the attributes of its cells run by run
 */

import type { IBufferLine } from "@xterm/xterm";

import type { Client } from "./client";
import type { Workspace } from "./workspace";

export function expose(client: Client, workspace: Workspace, upn: () => string): void {
  const api = {
    state: () => ({
      connection: client.socket.state.kind,
      signedIn: client.isSignedIn,
      upn: upn(),
      active: workspace.active?.stream.term ?? null,
    }),
    terminals: () =>
      workspace.all.map(({ stream, title, view }) => ({
        term: stream.term,
        title,
        ...stream.progress,
        live: stream.isLive,
        ended: stream.ended,
        webgl: view.usesWebgl,
      })),
    serialize: (term: number) => {
      const pane = workspace.all.find((candidate) => candidate.stream.term === term);
      if (!pane) return null;
      const { xterm } = pane.view;
      const { active } = xterm.buffer;
      const lines = [];
      for (let at = 0; at < active.length; at++) {
        const line = active.getLine(at);
        if (line) lines.push({ text: line.translateToString(true), wrapped: line.isWrapped, style: style(line) });
      }
      return {
        rows: xterm.rows,
        columns: xterm.cols,
        cursor: { x: active.cursorX, y: active.cursorY },
        buffer: active.type,
        base: active.baseY,
        lines,
        modes: { ...xterm.modes },
      };
    },
  };
  Object.defineProperty(window, "gotwist", { value: Object.freeze(api) });
}

/** The looks of a line as `column:attributes` wherever they change. */
function style(line: IBufferLine): string {
  const runs: string[] = [];
  let before = "";
  for (let column = 0; column < line.length; column++) {
    const cell = line.getCell(column);
    if (!cell) break;
    const flags = [
      cell.isBold() && "b",
      cell.isDim() && "d",
      cell.isItalic() && "i",
      cell.isUnderline() && "u",
      cell.isInverse() && "r",
      cell.isInvisible() && "h",
      cell.isStrikethrough() && "s",
    ];
    const colours = `${cell.getFgColorMode()}.${cell.getFgColor()}/${cell.getBgColorMode()}.${cell.getBgColor()}`;
    const now = flags.filter(Boolean).join("") + colours;
    if (now !== before) runs.push(`${column}:${now}`);
    before = now;
  }
  return runs.join(" ");
}
