/** The JSON messages of the WebSocket: what comes in is checked before anybody uses it. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface Attached {
  readonly term: number;
  /** Opaque: sent back as it came. */
  readonly epoch: Json;
  readonly reset: boolean;
  readonly offset: number;
  readonly live: number;
  readonly rows: number;
  readonly columns: number;
  readonly resizes: readonly (readonly [offset: number, rows: number, columns: number])[];
  readonly input: number;
  readonly title: string;
  readonly command: string;
  readonly viewers: number;
  /** Whether this page is the one viewer whose terminal answers queries. */
  readonly answers: boolean;
}

export interface TerminalInfo {
  readonly number: number;
  readonly title: string;
  readonly command: string;
  readonly created: number;
}

export interface CommandInfo {
  readonly name: string;
  readonly description: string;
}

export class MessageError extends Error {}

/** The actions of one text frame, in the order written. */
export function parseActions(text: string): [string, Json][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MessageError("not JSON");
  }
  return Object.entries(object(value as Json));
}

export function object(value: Json | undefined): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new MessageError("expected an object");
  }
  return value as JsonObject;
}

export function whole(value: Json | undefined): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new MessageError("expected a whole number");
  }
  return value;
}

export function text(value: Json | undefined, fallback = ""): string {
  return typeof value === "string" ? value : fallback;
}

export function wholeOrNull(value: Json | undefined): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}

export function parseAttached(value: Json): Attached {
  const from = object(value);
  const list = from["resizes"] ?? [];
  if (!Array.isArray(list)) throw new MessageError("expected a list of sizes");
  const resizes = (list as Json[]).map((entry) => {
    if (!Array.isArray(entry)) throw new MessageError("expected a size");
    return [whole(entry[0]), whole(entry[1]), whole(entry[2])] as const;
  });
  return {
    term: whole(from["term"]),
    epoch: from["epoch"] ?? null,
    reset: from["reset"] === true,
    offset: whole(from["offset"]),
    live: whole(from["live"]),
    rows: whole(from["rows"]),
    columns: whole(from["columns"]),
    resizes,
    input: whole(from["input"] ?? 0),
    title: text(from["title"]),
    command: text(from["command"]),
    viewers: whole(from["viewers"] ?? 1),
    answers: from["answers"] !== false,
  };
}

/** The terminals of a location, by number. */
export function parseTerminals(value: Json): TerminalInfo[] {
  const found: TerminalInfo[] = [];
  for (const [key, entry] of Object.entries(object(value))) {
    const number = Number(key);
    if (!Number.isSafeInteger(number) || number < 1) continue;
    const from = object(entry);
    found.push({
      number,
      title: text(from["title"]),
      command: text(from["command"]),
      created: wholeOrNull(from["created"]) ?? 0,
    });
  }
  return found.sort((a, b) => a.number - b.number);
}

export function parseCommands(value: Json): { commands: CommandInfo[]; fallback: string } {
  const from = object(value);
  const list = from["commands"];
  const commands: CommandInfo[] = [];
  for (const entry of Array.isArray(list) ? (list as Json[]) : []) {
    const name = text(object(entry)["name"]);
    if (name) commands.push({ name, description: text(object(entry)["description"]) });
  }
  return { commands, fallback: text(from["default"]) };
}
