"""The texts that are printed: deterministic, made once per run."""

import random
from pathlib import Path

WORDS = ("the", "daemon", "moves", "every", "byte", "once", "from", "terminal", "to", "screen")
IDEOGRAPHS = [chr(code) for code in range(0x4E00, 0x4E00 + 400)]


def _plain(rng: random.Random) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(12))


def _colour(rng: random.Random) -> str:
    return "".join(
        f"\x1b[{rng.choice((1, 4, 7))};{rng.randrange(31, 38)}m{rng.choice(WORDS)}\x1b[0m "
        for _ in range(8)
    )


def _cjk(rng: random.Random) -> str:
    return "".join(rng.choice(IDEOGRAPHS) for _ in range(36)) + " äöü ñ 🙂"


def _short(rng: random.Random) -> str:
    return str(rng.randrange(1_000_000))


KINDS = {"plain": _plain, "colour": _colour, "cjk": _cjk, "short": _short}


def make_block(kind: str, size: int = 1 << 18) -> bytes:
    """Whole lines of one kind, at least ``size`` bytes."""
    rng = random.Random(kind)
    lines = []
    total = 0
    while total < size:
        line = (KINDS[kind](rng) + "\n").encode()
        lines.append(line)
        total += len(line)
    return b"".join(lines)


def write_text(path: Path, kind: str, size: int) -> int:
    """Write about ``size`` bytes of one kind; return how many."""
    block = make_block(kind)
    count = max(1, size // len(block))
    with path.open("wb") as file:
        for _ in range(count):
            file.write(block)
    return count * len(block)
