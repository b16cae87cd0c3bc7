/** The binary frames of the WebSocket: a header of 16 bytes, then the payload. */

export const OUTPUT = 1;
export const INPUT = 2;
export const ACK = 3;
export const INPUT_ACK = 4;
export const RESTORE = 5;

export type FrameKind = typeof OUTPUT | typeof INPUT | typeof ACK | typeof INPUT_ACK | typeof RESTORE;

export interface Frame {
  readonly kind: FrameKind;
  readonly terminal: number;
  readonly offset: number;
  readonly payload: Uint8Array;
}

export const HEADER = 16;
export const MAX_OUTPUT = 131_072;
export const MAX_INPUT = 32_768;
const MAX_TERMINAL = 0x7fff_ffff;
const EMPTY = new Uint8Array(0);

export class FrameError extends Error {}

/** The bytes of one frame. */
export function encodeFrame(
  kind: FrameKind,
  terminal: number,
  offset: number,
  payload: Uint8Array = EMPTY,
): Uint8Array<ArrayBuffer> {
  check(kind, terminal, offset, payload.length);
  const bytes = new Uint8Array(HEADER + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setUint32(4, terminal);
  view.setBigUint64(8, BigInt(offset));
  bytes.set(payload, HEADER);
  return bytes;
}

/** The frame in these bytes; the payload is a view on them, not a copy. */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length < HEADER) throw new FrameError("a frame is at least 16 bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kind = view.getUint8(0);
  if (!isKind(kind)) throw new FrameError("unknown kind of frame");
  if (view.getUint8(1) !== 0 || view.getUint16(2) !== 0) {
    throw new FrameError("flags and the reserved field must be 0");
  }
  const terminal = view.getUint32(4);
  const offset = Number(view.getBigUint64(8));
  const payload = bytes.subarray(HEADER);
  check(kind, terminal, offset, payload.length);
  return { kind, terminal, offset, payload };
}

function isKind(kind: number): kind is FrameKind {
  return kind >= OUTPUT && kind <= RESTORE;
}

function check(kind: FrameKind, terminal: number, offset: number, length: number): void {
  if (!Number.isInteger(terminal) || terminal < 1 || terminal > MAX_TERMINAL) {
    throw new FrameError("terminal number out of range");
  }
  // Above 2^53 a JavaScript number would silently name another byte.
  if (!Number.isSafeInteger(offset) || offset < 0) throw new FrameError("offset out of range");
  if (kind === ACK || kind === INPUT_ACK) {
    if (length !== 0) throw new FrameError("an acknowledgement has no payload");
  } else if (kind === INPUT) {
    if (length < 1 || length > MAX_INPUT) throw new FrameError("payload out of range");
  } else if (length > MAX_OUTPUT || (kind === OUTPUT && length < 1)) {
    throw new FrameError("payload out of range");
  }
}
