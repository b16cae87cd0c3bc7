/** What a terminal says by itself, when a program asked: it must not be typed during a replay. */

const CSI_ANSWER = /^\x1b\[(?:[?>=]?[\d;:]*[cntR]|[?]?[\d;]*\$y|[IO])$/;
const STRING_ANSWER = /^\x1b[\]P_^]/;

/**
 * Reports of attributes, status, cursor, modes, sizes, focus and colours. A key that looks
 * the same (Shift+F3 and a cursor report) loses for the length of a replay.
 */
export function isAnswer(data: string): boolean {
  return CSI_ANSWER.test(data) || STRING_ANSWER.test(data);
}
