"""A provider in memory that does whatever a test wants, and most of all what none should."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from twisted.internet.defer import Deferred

from gotwist.auth.oidc.http import Answer, Unanswered
from gotwist.auth.openid.registration import Registration

ISSUER = "https://op.example.org/realm"
NOW = 1_795_500_000.0
REGISTRATION = Registration(
    method="oidc",
    title="Example",
    issuer=ISSUER,
    client_id="gotwist",
    client_secret="s3cret & more",
)
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public_jwk(key: Any, kid: str | None, **more: object) -> dict[str, object]:
    """The public half of a key as a provider shows it."""
    algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
    shown = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**shown, **({} if kid is None else {"kid": kid}), **more}


class HostileProvider:
    """Implements Requests, provider included.

    ``claims`` and ``sign`` decide what the next ID token is like.
    """

    def __init__(self, registration: Registration = REGISTRATION) -> None:
        self.registration = registration
        self.now = NOW
        self.document: dict[str, object] = {
            "issuer": registration.issuer,
            "authorization_endpoint": f"{registration.issuer}/authorize",
            "token_endpoint": f"{registration.issuer}/token",
            "userinfo_endpoint": f"{registration.issuer}/userinfo",
            "jwks_uri": f"{registration.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        self.keys: list[dict[str, object]] = [public_jwk(RSA_KEY, "one")]
        self.sign: Callable[[Mapping[str, object]], str] = self.sign_well
        self.claims: dict[str, object] = {}
        self.without: set[str] = set()
        self.userinfo: dict[str, object] = {"sub": "alice"}
        self.answers: dict[str, Answer | Exception] = {}
        self.requests: list[str] = []
        self.forms: list[Mapping[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.codes: dict[str, dict[str, str]] = {}
        #: Answers to addresses with these endings wait until the test lets them go.
        self.held: dict[str, list[Deferred[None]]] = {}

    # the person and the browser

    def authorize(self, url: str) -> dict[str, str]:
        """Sign in at the provider; the fields with which the browser comes back."""
        parts = urlsplit(url)
        assert parts.path == urlsplit(self.registration.issuer).path + "/authorize", url
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    # tokens

    def sign_well(self, claims: Mapping[str, object]) -> str:
        # Below the library's checks of claims, which this one would not pass.
        body = json.dumps(claims).encode()
        return jwt.PyJWS().encode(body, RSA_KEY, algorithm="RS256", headers={"kid": "one"})

    def id_token(self, asked: Mapping[str, str]) -> str:
        claims: dict[str, object] = {
            "iss": self.registration.issuer,
            "sub": "alice",
            "aud": self.registration.client_id,
            "iat": int(self.now),
            "exp": int(self.now) + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        return self.sign({name: item for name, item in claims.items() if name not in self.without})

    # Requests

    async def get(self, url: str, bearer: str | None = None) -> Answer:
        await self._asked(url)
        if url.endswith("/.well-known/openid-configuration"):
            return self._answer(url, self.document)
        if url.endswith("/keys"):
            return self._answer(url, {"keys": self.keys})
        assert bearer == "access", "the userinfo is for who has the token"
        return self._answer(url, self.userinfo)

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        await self._asked(url)
        self.forms.append(form)
        self.headers.append(headers)
        asked = self.codes.pop(form["code"], None)
        if asked is None or not self._is_proven(asked, form):
            return Answer(400, {"error": "invalid_grant"})
        tokens = {
            "id_token": self.id_token(asked),
            "access_token": "access",
            "token_type": "Bearer",
        }
        return self._answer(url, tokens)

    @staticmethod
    def _is_proven(asked: Mapping[str, str], form: Mapping[str, str]) -> bool:
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        return (
            asked["code_challenge_method"] == "S256"
            and asked["code_challenge"] == b64(digest)
            and asked["redirect_uri"] == form["redirect_uri"]
        )

    async def _asked(self, url: str) -> None:
        self.requests.append(urlsplit(url).path.rpartition("/")[2])
        for ending, waiting in tuple(self.held.items()):
            if url.endswith(ending):
                waiting.append(Deferred())
                await waiting[-1]

    def _answer(self, url: str, members: Mapping[str, object]) -> Answer:
        for ending, answer in self.answers.items():
            if url.endswith(ending):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        # As it comes over the wire.
        return Answer(200, json.loads(json.dumps(members)))


def registration(**changes: Any) -> Registration:
    return replace(REGISTRATION, **changes)


def unreachable() -> Unanswered:
    return Unanswered("nobody is there")
