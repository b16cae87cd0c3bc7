"""A provider's public keys (RFC 7517), and which of them a token may be verified with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from gotwist.errors import Malformed

MAX_KEYS: Final = 64
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_KEY_TYPES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_RSA_BITS: Final = (2_048, 8_192)


@dataclass(frozen=True)
class KeySet:
    """The keys of one provider at one time."""

    keys: tuple[Mapping[str, object], ...] = ()

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> KeySet:
        """Read a JWK set.

        :raises Malformed: when it is none, or has too many keys.
        """
        keys = document.get("keys")
        if not isinstance(keys, list) or len(keys) > MAX_KEYS:
            raise Malformed("the provider's keys cannot be read")
        return cls(tuple(key for key in keys if isinstance(key, dict)))

    def find(self, kid: object, algorithm: str) -> PyJWK | None:
        """The key that a token's header names, when it is one for ``algorithm``.

        Without a name there must be exactly one key for the algorithm.
        """
        fitting = [
            key
            for key in self.keys
            if _fits(key, algorithm) and (kid is None or key.get("kid") == kid)
        ]
        return _public_key(fitting[0], algorithm) if len(fitting) == 1 else None


def _fits(key: Mapping[str, object], algorithm: str) -> bool:
    return (
        key.get("kty") == _KEY_TYPES.get(algorithm[:2])
        and key.get("crv") == _CURVES.get(algorithm)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _public_key(key: Mapping[str, object], algorithm: str) -> PyJWK | None:
    # The public members alone: what a provider shows of its private ones is not used.
    members = {name: key[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in key}
    try:
        found = PyJWK(members, algorithm)
    except (PyJWTError, ValueError, TypeError):
        return None
    if members["kty"] == "RSA":
        bits = getattr(found.key, "key_size", 0)
        if not _RSA_BITS[0] <= bits <= _RSA_BITS[1]:
            return None
    return found
