"""How fast the client counts frames: it must be far cheaper than any server."""

import time

from benchmarks.frames import FrameReader, Shape


def client_speed(frame: int = 4096, total: int = 1 << 29) -> float:
    """Bytes per second of output counted, in frames of a usual size, from memory."""
    payload = b"0" + bytes(frame - 1)
    one = b"\x82\x7e" + frame.to_bytes(2, "big") + payload
    data = memoryview(one * ((1 << 18) // len(one)))
    reader = FrameReader(Shape(b"0", 1), lambda opcode, message: None)
    begun = time.perf_counter()
    while reader.output < total:
        reader.feed(data)
    return reader.output / (time.perf_counter() - begun)
