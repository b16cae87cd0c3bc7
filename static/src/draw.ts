/** Order between what is written to a terminal and what is done to it in between. */

/** What the stream needs of a terminal. */
export interface Screen {
  write(bytes: Uint8Array, drawn: () => void): void;
  reset(): void;
  resize(rows: number, columns: number): void;
  /** While muted the terminal answers nothing, rings nothing and copies nothing. */
  mute(on: boolean): void;
  /** Of several viewers only one answers a program's queries. */
  setAnswers(on: boolean): void;
}

type Step =
  | { readonly bytes: Uint8Array; readonly drawn: () => void }
  | { readonly act: () => void };

/**
 * The terminal parses what it is given later. A resize, a reset or a change of muting
 * belongs between two bytes, so it waits until everything before it is drawn, and
 * everything behind waits for it.
 */
export class DrawQueue {
  private steps: Step[] = [];
  private writing = 0;
  private pumping = false;

  constructor(
    private readonly screen: Screen,
    private readonly onIdle: () => void,
  ) {}

  get isIdle(): boolean {
    return this.writing === 0 && this.steps.length === 0;
  }

  write(bytes: Uint8Array, drawn: () => void): void {
    this.steps.push({ bytes, drawn });
    this.pump();
  }

  act(act: () => void): void {
    this.steps.push({ act });
    this.pump();
  }

  /** Forget what is not yet handed over; what is will still be drawn. */
  clear(): void {
    this.steps = [];
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    try {
      for (let step = this.steps[0]; step !== undefined; step = this.steps[0]) {
        if ("act" in step) {
          if (this.writing > 0) break;
          this.steps.shift();
          step.act();
        } else {
          this.steps.shift();
          this.writing++;
          const { drawn } = step;
          this.screen.write(step.bytes, () => {
            this.writing--;
            drawn();
            this.pump();
            if (this.isIdle) this.onIdle();
          });
        }
      }
    } finally {
      this.pumping = false;
    }
  }
}
