/** What a user likes: checked, kept in the browser per user, told to whoever listens. */

export interface Settings {
  readonly theme: string;
  readonly fontSize: number;
  readonly fontFamily: string;
  readonly lineHeight: number;
  readonly cursorStyle: "block" | "bar" | "underline";
  readonly cursorBlink: boolean;
  readonly scrollback: number;
  readonly bell: "visual" | "sound" | "none";
  readonly screenReader: boolean;
  readonly contrast: number;
  readonly copyOnSelect: boolean;
  readonly confirmClose: boolean;
  readonly keyBar: "auto" | "always" | "never";
}

export const FONT =
  'ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas, ' +
  '"DejaVu Sans Mono", "Liberation Mono", "Noto Sans Mono", monospace';

export const DEFAULTS: Settings = {
  theme: "system",
  fontSize: 14,
  fontFamily: "",
  lineHeight: 1.15,
  cursorStyle: "block",
  cursorBlink: true,
  scrollback: 1000,
  bell: "visual",
  screenReader: false,
  contrast: 4.5,
  copyOnSelect: false,
  confirmClose: true,
  keyBar: "auto",
};

export const RANGES = {
  fontSize: [8, 40],
  lineHeight: [1, 2],
  scrollback: [0, 100_000],
  contrast: [1, 21],
} as const;

const CHOICES: { readonly [key: string]: readonly string[] } = {
  cursorStyle: ["block", "bar", "underline"],
  bell: ["visual", "sound", "none"],
  keyBar: ["auto", "always", "never"],
};

export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export type Listener = (now: Settings, before: Settings) => void;

export class SettingsStore {
  private now: Settings;
  private readonly listeners = new Set<Listener>();
  private readonly key: string;

  constructor(
    private readonly store: Store | null,
    upn: string,
    private readonly defaults: Settings = DEFAULTS,
  ) {
    this.key = `gotwist.settings.${upn}`;
    this.now = { ...defaults, ...clean(readJson(store, this.key)) };
  }

  get current(): Settings {
    return this.now;
  }

  change(change: Partial<Settings>): void {
    const before = this.now;
    this.now = { ...before, ...clean(change) };
    const own = Object.entries(this.now).filter(
      ([key, value]) => value !== this.defaults[key as keyof Settings],
    );
    writeJson(this.store, this.key, Object.fromEntries(own));
    for (const listener of this.listeners) listener(this.now, before);
  }

  reset(): void {
    this.change(this.defaults);
  }

  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Only what is known and of the right kind; numbers pulled into their range. */
export function clean(value: unknown): Partial<Settings> {
  if (typeof value !== "object" || value === null) return {};
  const found: Record<string, unknown> = {};
  for (const [key, fallback] of Object.entries(DEFAULTS)) {
    const given = (value as Record<string, unknown>)[key];
    if (typeof given !== typeof fallback) continue;
    if (typeof given === "number") {
      if (!Number.isFinite(given)) continue;
      const [low, high] = RANGES[key as keyof typeof RANGES];
      found[key] = Math.min(high, Math.max(low, given));
    } else if (typeof given === "string") {
      if (CHOICES[key] && !CHOICES[key].includes(given)) continue;
      found[key] = given.slice(0, 200);
    } else {
      found[key] = given;
    }
  }
  return found as Partial<Settings>;
}

/** Storage may be full, forbidden or hold anything; none of that is worth a broken page. */
export function readJson(store: Store | null, key: string): unknown {
  try {
    return JSON.parse(store?.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

export function writeJson(store: Store | null, key: string, value: unknown): void {
  try {
    store?.setItem(key, JSON.stringify(value));
  } catch {
    // The choice holds for this page only.
  }
}
