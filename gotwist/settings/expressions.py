"""Regular expressions of operators, matched against what strangers say: bounded in time.

Python's matcher tries one way after the other, and ``(a+)+b`` has more ways through forty
letters than anybody can wait for.  So an expression is weighed when it is read: in how many
ways can its repetitions and alternatives divide a value among them?  That number is a product
of sums which the expression's own structure gives, nesting included; above a bound it is
refused.  Values are bounded too (:data:`MAX_VALUE`): a longer one matches nothing.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any

MAX_EXPRESSION = 1000
MAX_VALUE = 256
#: Three ``.*`` one after the other; in practice a sixth of it, some hundredths of a second.
MAX_WAYS = (MAX_VALUE + 1) ** 3

# The parser of the re module itself: another one might read an expression otherwise.
_parser: Any = importlib.import_module("re._parser")


def compile_expression(text: str) -> re.Pattern[str]:
    """Compile an expression that cannot take long, whatever it is matched against.

    :raises ValueError: it is none, it is too long, or it could take too long.
    """
    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"is longer than {MAX_EXPRESSION} characters; split it")
    try:
        pattern = re.compile(text)
        ways = _ways(_parser.parse(text))
    except (re.error, RecursionError, OverflowError) as problem:
        raise ValueError(f"is no regular expression ({problem}); correct it") from None
    if ways > MAX_WAYS:
        raise ValueError(
            "could take too long to match: it repeats what repeats or branches itself, or has "
            "more than three of * and +; write it more plainly, or as several scopes"
        )
    return pattern


def matches(pattern: re.Pattern[str], value: str) -> bool:
    """Tell whether the whole of a value matches."""
    return len(value) <= MAX_VALUE and pattern.fullmatch(value) is not None


def _ways(items: Sequence[tuple[object, Any]]) -> int:
    """In how many ways a sequence can match, at most; no more exact than needed."""
    total = 1
    for operator, argument in items:
        total *= _ways_of(str(operator), argument)
        if total > MAX_WAYS:
            break
    return total


def _ways_of(operator: str, argument: Any) -> int:
    if operator in _SINGLE:
        return 1
    if operator in _REPEATS:
        least, most, body = argument
        # More rounds than characters could only be rounds of nothing.
        least, most = min(int(least), MAX_VALUE), min(int(most), MAX_VALUE)
        return _rounds(_ways(body), least, most)
    if operator == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    if operator == "SUBPATTERN":
        return _ways(argument[-1])
    if operator == "ATOMIC_GROUP":
        return _ways(argument)
    if operator in ("ASSERT", "ASSERT_NOT"):
        return _ways(argument[1])
    raise ValueError(f"uses {operator.lower()}, which scopes do not understand")


def _rounds(ways: int, least: int, most: int) -> int:
    if ways == 1:
        return most - least + 1
    total = 0
    for rounds in range(least, most + 1):
        total += ways**rounds
        if total > MAX_WAYS:
            break
    return total


_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT", "CATEGORY"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
