/** What a terminal says by itself, when a program asked: it must not be typed during a replay. */

const CSI_ANSWER = /^\x1b\[(?:[?>=]?[\d;:]*[cntR]|[?]?[\d;]*\$y|[IO])$/;
const STRING_ANSWER = /^\x1b[\]P_^]/;

/**
 * Reports of attributes, status, cursor, modes, sizes, focus and colours. Shift+F3 looks
 * like a report of the cursor, so the caller has to know what came from a key.
 */
export function isAnswer(data: string): boolean {
  return CSI_ANSWER.test(data) || STRING_ANSWER.test(data);
}
