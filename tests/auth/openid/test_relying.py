"""Tests of a sign-in at a provider, from end to end, with one that cannot be trusted."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from gotwist.auth.oidc.http import Answer
from gotwist.auth.oidc.relying import FRESH_S, KEYS_PAUSE_S, MAX_PENDING_PER_PEER, RelyingParty
from gotwist.auth.openid.flows import LIFETIME_S, Flow, Flows
from gotwist.auth.openid.idtoken import LEEWAY_S, MAX_AGE_S
from gotwist.auth.openid.refusal import DECLINED, NOT_YOU, REFUSAL, Refused
from gotwist.auth.openid.registration import Registration, google_registration
from gotwist.auth.user import User
from gotwist.errors import Denied, Unavailable
from tests.auth.openid.hostile import (
    EC_KEY,
    ISSUER,
    NOW,
    OTHER_KEY,
    RSA_KEY,
    HostileProvider,
    b64,
    public_jwk,
    registration,
    unreachable,
)

T = TypeVar("T")
BACK = "https://shell.example.org/auth/oidc/callback"
PEER = "203.0.113.7"


class RelyingCase(SynchronousTestCase):
    """A relying party and its provider, both in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.meet(registration())

    def meet(self, chosen: Registration) -> None:
        """Begin with another registration."""
        self.provider = HostileProvider(chosen)
        self.flows = Flows(self.clock.seconds)
        self.party = RelyingParty(
            chosen,
            self.flows,
            self.provider,
            self.clock.seconds,
            lambda: NOW + self.clock.seconds(),
        )

    def now(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of what need not wait."""
        return self.successResultOf(Deferred.fromCoroutine(work))

    def begin(self, binding: str | None = None, next: str = "/") -> tuple[str, Flow]:
        return self.now(self.party.begin(BACK, next, PEER, binding))

    def finish(self, fields: Mapping[str, str], binding: str | None) -> User:
        return self.now(self.party.finish(fields, PEER, binding))[0]

    def sign_in(self) -> User:
        """Go all the way."""
        self.provider.now = NOW + self.clock.seconds()
        url, flow = self.begin()
        return self.finish(self.provider.authorize(url), flow.binding)

    def refused(self, fields: Mapping[str, str], binding: str | None) -> Refused:
        """The refusal of what came back."""
        work = Deferred.fromCoroutine(self.party.finish(fields, PEER, binding))
        error = self.failureResultOf(work, Refused).value
        assert isinstance(error, Refused)
        return error

    def refused_token(self, reason: str, **claims: object) -> None:
        """A sign-in with these claims is refused for this reason."""
        self.provider.claims.update(claims)
        self.provider.now = NOW + self.clock.seconds()
        url, flow = self.begin()
        error = self.refused(self.provider.authorize(url), flow.binding)
        self.assertIn(reason, error.reason)
        self.assertIn(error.message, (REFUSAL, NOT_YOU))


class WayTests(RelyingCase):
    """Going to the provider and coming back."""

    def test_good(self) -> None:
        """Who has signed in at the provider is the user the ID token names."""
        self.assertEqual(self.sign_in(), User("alice", "oidc"))

    def test_request(self) -> None:
        """The provider is asked for a code, with state, nonce and the hash of a secret."""
        url, flow = self.begin(next="/there")
        self.assertTrue(url.startswith(f"{ISSUER}/authorize?"))
        asked = parse_qs(urlsplit(url).query)
        self.assertEqual(asked["response_type"], ["code"])
        self.assertEqual(asked["redirect_uri"], [BACK])
        self.assertEqual(asked["code_challenge_method"], ["S256"])
        self.assertEqual(asked["scope"], ["openid"])
        self.assertEqual(
            asked["code_challenge"], [b64(hashlib.sha256(flow.verifier.encode()).digest())]
        )
        self.assertNotIn(flow.verifier, url)
        self.assertNotIn(flow.binding, url)
        self.assertEqual(flow.next, "/there")

    def test_nothing_guessable(self) -> None:
        """State, nonce, verifier and binding are random, each for itself, and in no repr."""
        _, flow = self.begin()
        _, other = self.begin()
        values = [flow.state, flow.nonce, flow.verifier, flow.binding]
        values += [other.state, other.nonce, other.verifier, other.binding]
        self.assertEqual(len(set(values)), 8)
        self.assertTrue(all(len(value) == 43 and value not in repr(flow) for value in values))

    def test_secret_travels_in_the_header(self) -> None:
        """The client secret is sent as the provider wants it, never in an address."""
        self.sign_in()
        self.assertEqual(
            self.provider.headers[-1],
            {"Authorization": "Basic Z290d2lzdDpzM2NyZXQrJTI2K21vcmU="},
        )
        self.assertNotIn("client_secret", self.provider.forms[-1])

    def test_secret_travels_in_the_form(self) -> None:
        """A provider that knows only forms gets it there; a public client sends none."""
        self.provider.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
        self.sign_in()
        self.assertEqual(self.provider.forms[-1]["client_secret"], "s3cret & more")
        self.meet(registration(client_secret=""))
        self.sign_in()
        self.assertEqual(self.provider.headers[-1], {})
        self.assertNotIn("client_secret", self.provider.forms[-1])

    def test_secret_is_in_no_repr(self) -> None:
        """A registration does not show its secret."""
        self.assertNotIn("s3cret", repr(self.party.registration))

    def test_answer_works_once(self) -> None:
        """The same answer is not taken twice, by the same browser neither."""
        url, flow = self.begin()
        fields = self.provider.authorize(url)
        self.finish(fields, flow.binding)
        self.assertIn("unknown, used", self.refused(fields, flow.binding).reason)
        self.assertEqual(self.provider.requests.count("token"), 1)

    def test_replayed_code(self) -> None:
        """A code that was used comes to nothing with a fresh state."""
        url, flow = self.begin()
        fields = self.provider.authorize(url)
        self.finish(fields, flow.binding)
        _, second = self.begin()
        error = self.refused({**fields, "state": second.state}, second.binding)
        self.assertIn("invalid_grant", error.reason)

    def test_code_of_another_sign_in(self) -> None:
        """A code that was made for another sign-in is not taken: it lacks the right verifier."""
        stolen = self.provider.authorize(self.begin()[0])
        _, flow = self.begin()
        error = self.refused({**stolen, "state": flow.state}, flow.binding)
        self.assertIn("invalid_grant", error.reason)

    def test_other_browser(self) -> None:
        """What one browser began no other one finishes; the provider is not even asked."""
        url, _ = self.begin()
        fields = self.provider.authorize(url)
        _, victim = self.begin()
        self.assertIn("another browser", self.refused(fields, victim.binding).reason)
        self.assertNotIn("token", self.provider.requests)

    def test_no_cookie(self) -> None:
        """Without the cookie of its beginning no sign-in ends."""
        url, flow = self.begin()
        fields = self.provider.authorize(url)
        self.assertIn("another browser", self.refused(fields, None).reason)
        # It is spent as well.
        self.refused(fields, flow.binding)

    def test_no_state(self) -> None:
        """A code without a state, or with one of another form, is refused."""
        _, flow = self.begin()
        for state in ({}, {"state": ""}, {"state": "x" * 5000}, {"state": flow.state + "A"}):
            self.refused({"code": "code-0", **state}, flow.binding)

    def test_too_late(self) -> None:
        """A sign-in has ten minutes."""
        url, flow = self.begin()
        fields = self.provider.authorize(url)
        self.clock.advance(LIFETIME_S)
        self.assertIn("too old", self.refused(fields, flow.binding).reason)

    def test_two_tabs(self) -> None:
        """Two tabs of one browser sign in at once, each with its own state."""
        first, one = self.begin()
        second, other = self.begin(binding=one.binding)
        self.assertEqual(one.binding, other.binding)
        self.finish(self.provider.authorize(second), one.binding)
        self.finish(self.provider.authorize(first), one.binding)

    def test_foreign_binding(self) -> None:
        """A cookie that is none of ours in use is replaced."""
        self.assertNotEqual(self.begin(binding="A" * 43)[1].binding, "A" * 43)
        self.assertNotEqual(self.begin(binding="é")[1].binding, "é")

    def test_answer_of_another_method(self) -> None:
        """An answer that comes to the address of another provider is refused."""
        flow = self.flows.begin("google", BACK, "/", PEER)
        error = self.refused({"code": "c", "state": flow.state}, flow.binding)
        self.assertIn("another provider", error.reason)

    def test_issuer_in_the_answer(self) -> None:
        """An answer that names its provider must name ours (no mix-up)."""
        url, flow = self.begin()
        fields = {**self.provider.authorize(url), "iss": ISSUER}
        self.assertEqual(self.finish(fields, flow.binding).upn, "alice")
        url, flow = self.begin()
        fields = {**self.provider.authorize(url), "iss": "https://other.example.org"}
        self.assertIn("another provider", self.refused(fields, flow.binding).reason)
        self.assertEqual(self.provider.requests.count("token"), 1)

    def test_issuer_missing_in_the_answer(self) -> None:
        """A provider that says it names itself must do so."""
        self.provider.document["authorization_response_iss_parameter_supported"] = True
        url, flow = self.begin()
        self.assertIn(
            "does not say", self.refused(self.provider.authorize(url), flow.binding).reason
        )

    def test_declined(self) -> None:
        """Who declines at the provider reads that, and can begin anew."""
        _, flow = self.begin()
        error = self.refused({"error": "access_denied", "state": flow.state}, flow.binding)
        self.assertEqual(error.message, DECLINED)

    def test_provider_is_not_able(self) -> None:
        """A provider that cannot now is not a refusal."""
        _, flow = self.begin()
        fields = {"error": "temporarily_unavailable", "state": flow.state}
        work = Deferred.fromCoroutine(self.party.finish(fields, PEER, flow.binding))
        self.failureResultOf(work, Unavailable)

    def test_error_of_the_provider_in_no_page(self) -> None:
        """What the address bar says of an error reaches neither page nor log."""
        for error in ("<script>", "x" * 500, "Ärger"):
            _, flow = self.begin()
            fields = {"error": error, "error_description": "evil", "state": flow.state}
            found = self.refused(fields, flow.binding)
            self.assertEqual(found.message, REFUSAL)
            self.assertNotIn(error, found.reason)
            self.assertNotIn("evil", found.reason)

    def test_error_needs_its_state(self) -> None:
        """An error without our state does not end a sign-in."""
        url, flow = self.begin()
        self.refused({"error": "access_denied", "state": "A" * 43}, flow.binding)
        self.assertEqual(self.finish(self.provider.authorize(url), flow.binding).upn, "alice")


class BoundTests(RelyingCase):
    """Nothing grows without bound."""

    def test_one_address(self) -> None:
        """Sign-ins begun from one address push out only that address's."""
        flows = Flows(self.clock.seconds, most=100, most_per_peer=3)
        victim = flows.begin("oidc", BACK, "/", "192.0.2.1")
        mine = [flows.begin("oidc", BACK, "/", PEER) for _ in range(10)]
        self.assertEqual(len(flows), 4)
        self.assertEqual(flows.take("oidc", victim.state, victim.binding), victim)
        self.assertEqual(flows.take("oidc", mine[-1].state, mine[-1].binding), mine[-1])
        with self.assertRaises(Refused):
            flows.take("oidc", mine[0].state, mine[0].binding)

    def test_one_network(self) -> None:
        """Of IPv6 a whole network counts as one address."""
        flows = Flows(self.clock.seconds, most=100, most_per_peer=3)
        for host in range(10):
            flows.begin("oidc", BACK, "/", f"2001:db8::{host:x}")
        self.assertEqual(len(flows), 3)

    def test_all_addresses(self) -> None:
        """Beyond the limit the oldest sign-in of all is given up."""
        flows = Flows(self.clock.seconds, most=10)
        for host in range(30):
            flows.begin("oidc", BACK, "/", f"192.0.2.{host}")
        self.assertEqual(len(flows), 10)

    def test_expired(self) -> None:
        """What nobody comes back for is forgotten."""
        self.begin()
        self.clock.advance(LIFETIME_S)
        self.begin()
        self.assertEqual(len(self.flows), 1)


class TokenTests(RelyingCase):
    """What an ID token must be."""

    def test_other_nonce(self) -> None:
        """A token of another sign-in is refused."""
        self.refused_token("another sign-in", nonce="A" * 43)
        self.refused_token("another sign-in", nonce=["x"])

    def test_other_issuer(self) -> None:
        """A token of another issuer is refused, a similar one too."""
        for issuer in ("https://evil.example.org", ISSUER + "/", "op.example.org/realm", [ISSUER]):
            self.refused_token("not good", iss=issuer)

    def test_other_audience(self) -> None:
        """A token for another client is refused."""
        for audience in ("other", ["other"], [], "", {"gotwist": 1}, "gotwist2"):
            self.refused_token("not good", aud=audience)

    def test_several_audiences(self) -> None:
        """A token for several is believed only when it was issued to us."""
        self.provider.claims.update(aud=["gotwist", "other"], azp="gotwist")
        self.assertEqual(self.sign_in().upn, "alice")
        self.refused_token("another party", azp="other")
        del self.provider.claims["azp"]
        self.refused_token("another party")

    def test_authorised_party(self) -> None:
        """A token issued to another party is refused even when it is for us."""
        self.refused_token("another party", azp="other")

    def test_expired(self) -> None:
        """An expired token is refused; clocks may be a little apart."""
        self.provider.claims["exp"] = int(NOW - LEEWAY_S) + 1
        self.assertEqual(self.sign_in().upn, "alice")
        self.refused_token("expired", exp=int(NOW - LEEWAY_S))

    def test_old(self) -> None:
        """A token that was not issued just now is refused, however long it is valid."""
        self.refused_token("just now", iat=int(NOW - LEEWAY_S - MAX_AGE_S) - 1)
        self.refused_token("just now", iat=int(NOW + LEEWAY_S) + 1)

    def test_not_yet(self) -> None:
        """A token of the future is refused."""
        self.refused_token("not valid yet", nbf=int(NOW + LEEWAY_S) + 1)

    def test_odd_times(self) -> None:
        """Times that are none are refused."""
        odd_times: tuple[object, ...] = ("1795500000", True, None, -1, 1e300, [], {})
        for odd in odd_times:
            for name in ("exp", "iat"):
                self.provider.claims.clear()
                self.refused_token("", **{name: odd})

    def test_missing_claims(self) -> None:
        """A token without one of the claims that protect us is refused."""
        for name in ("iss", "sub", "aud", "exp", "iat", "nonce"):
            self.provider.without = {name}
            self.refused_token("not good")

    def test_odd_subject(self) -> None:
        """A token that names nobody is refused."""
        for subject in ("", "x" * 256, 7, None):
            self.refused_token("", sub=subject)

    def test_unsigned(self) -> None:
        """The algorithm "none" is refused, whatever the provider says it can."""
        self.provider.sign = lambda claims: jwt.encode(dict(claims), "", algorithm="none")
        self.refused_token("not accepted")

    def test_public_key_as_secret(self) -> None:
        """A token signed with the public key as if it were a secret is refused."""
        pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

        def sign(claims: Mapping[str, object]) -> str:
            head = b64(json.dumps({"alg": "HS256", "kid": "one"}).encode())
            body = f"{head}.{b64(json.dumps(claims).encode())}"
            return f"{body}.{b64(hmac.new(pem, body.encode(), 'sha256').digest())}"

        self.provider.sign = sign
        self.refused_token("not accepted")

    def test_secret_as_key(self) -> None:
        """A token signed with the client secret is refused."""
        secret = self.party.registration.client_secret
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims), secret.ljust(32), algorithm="HS256", headers={"kid": "one"}
        )
        self.refused_token("not accepted")

    def test_forged(self) -> None:
        """A token signed by somebody else under the name of the provider's key is refused."""
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims), OTHER_KEY, algorithm="RS256", headers={"kid": "one"}
        )
        self.refused_token("InvalidSignature")

    def test_key_in_the_token(self) -> None:
        """A key that the token brings along is not used."""
        jwk = public_jwk(OTHER_KEY, "mine")
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims),
            OTHER_KEY,
            algorithm="RS256",
            headers={"kid": "mine", "jwk": jwk, "jku": "https://evil.example.org/keys"},
        )
        self.refused_token("unknown key")
        self.assertNotIn("evil", " ".join(self.provider.requests))

    def test_other_algorithm_than_offered(self) -> None:
        """An algorithm that the provider does not claim to use is refused."""
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims), RSA_KEY, algorithm="PS512", headers={"kid": "one"}
        )
        self.refused_token("not accepted")

    def test_elliptic_curve(self) -> None:
        """ES256 works, with a key of its curve."""
        self.provider.keys.append(public_jwk(EC_KEY, "two"))
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims), EC_KEY, algorithm="ES256", headers={"kid": "two"}
        )
        self.assertEqual(self.sign_in().upn, "alice")

    def test_key_of_another_kind(self) -> None:
        """A key is not used for an algorithm or a purpose that is not its own."""
        for change in ({"use": "enc"}, {"alg": "PS256"}, {"kty": "EC"}, {"kty": "oct"}):
            self.meet(registration())
            self.provider.keys = [{**public_jwk(RSA_KEY, "one"), **change}]
            self.refused_token("unknown key")

    def test_weak_key(self) -> None:
        """A short RSA key is refused."""
        weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        self.provider.keys = [public_jwk(weak, "one")]
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims), weak, algorithm="RS256", headers={"kid": "one"}
        )
        self.refused_token("unknown key")

    def test_key_without_a_name(self) -> None:
        """A token that names no key is verified with the only one there is, never by trying."""
        self.provider.sign = lambda claims: jwt.encode(dict(claims), RSA_KEY, algorithm="RS256")
        self.provider.keys = [public_jwk(RSA_KEY, None)]
        self.assertEqual(self.sign_in().upn, "alice")
        self.meet(registration())
        self.provider.sign = lambda claims: jwt.encode(dict(claims), RSA_KEY, algorithm="RS256")
        self.provider.keys = [public_jwk(OTHER_KEY, "a"), public_jwk(RSA_KEY, "b")]
        self.refused_token("unknown key")

    def test_no_token(self) -> None:
        """Whatever is no token is refused."""
        for text in ("", "x", "a.b.c", "é", "." * 100, "x" * 70_000):
            self.meet(registration())
            self.provider.sign = lambda claims, text=text: text  # type: ignore[misc]
            url, flow = self.begin()
            work = Deferred.fromCoroutine(
                self.party.finish(self.provider.authorize(url), PEER, flow.binding)
            )
            self.failureResultOf(work, Denied, Unavailable)


class RotationTests(RelyingCase):
    """Keys that change."""

    def rotate(self, key: Any, kid: str) -> None:
        self.provider.keys = [public_jwk(key, kid)]
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims), key, algorithm="RS256", headers={"kid": kid}
        )

    def test_rotated(self) -> None:
        """A provider that has changed its key is believed at once."""
        self.sign_in()
        self.rotate(OTHER_KEY, "two")
        self.assertEqual(self.sign_in().upn, "alice")
        self.assertEqual(self.provider.requests.count("keys"), 2)

    def test_unknown_key(self) -> None:
        """A key that the provider does not show is looked for once, and then not for a while."""
        self.sign_in()
        self.provider.sign = lambda claims: jwt.encode(
            dict(claims), OTHER_KEY, algorithm="RS256", headers={"kid": "two"}
        )
        for _ in range(5):
            self.refused_token("unknown key")
        self.assertEqual(self.provider.requests.count("keys"), 2)
        self.clock.advance(KEYS_PAUSE_S)
        self.refused_token("unknown key")
        self.assertEqual(self.provider.requests.count("keys"), 3)

    def test_withdrawn_key(self) -> None:
        """A key that the provider shows no longer is not believed for ever."""
        self.sign_in()
        self.provider.keys = [public_jwk(OTHER_KEY, "two")]
        self.clock.advance(FRESH_S)
        self.refused_token("unknown key")

    def test_same_name_other_key(self) -> None:
        """A key under an old name counts from the next regular fetch."""
        self.sign_in()
        self.rotate(OTHER_KEY, "one")
        self.refused_token("InvalidSignature")
        self.clock.advance(FRESH_S)
        self.assertEqual(self.sign_in().upn, "alice")


class UserTests(RelyingCase):
    """Whom the claims describe."""

    def test_names_that_are_none(self) -> None:
        """What cannot be a user's name is refused, with a sentence for the person."""
        for name in ("../root", "-oProxy", "a b", "alice/admin", "", "auth0|1", "a" * 129):
            self.refused_token("", sub=name)

    def test_other_claim(self) -> None:
        """The operator chooses the claim that names the user."""
        self.meet(registration(upn_claim="preferred_username"))
        self.provider.claims["preferred_username"] = "carol"
        self.assertEqual(self.sign_in().upn, "carol")
        self.refused_token("no usable claim", preferred_username=None)
        self.refused_token("no usable claim", preferred_username=["carol"])

    def test_email_must_be_verified(self) -> None:
        """An address names a user only when the provider has verified it."""
        self.meet(registration(upn_claim="email"))
        self.provider.claims.update(email="Alice@Example.org", email_verified=True)
        self.assertEqual(self.sign_in().upn, "alice@example.org")
        for verified in (False, None, "true", 1):
            self.refused_token("no usable claim", email_verified=verified)

    def test_attributes(self) -> None:
        """Only the attributes that the operator has named are taken, and none that rule."""
        self.meet(
            registration(attributes=("name", "email", "uid", "session", "roles", "address", "age"))
        )
        self.provider.claims.update(
            name="Alice Ä.",
            email="alice@example.org",
            uid="0",
            session="x",
            roles="admin",
            address="::1",
            age=30,
            other="y",
        )
        self.assertEqual(dict(self.sign_in().attributes), {"name": "Alice Ä.", "age": "30"})
        self.provider.claims["email_verified"] = True
        self.assertEqual(self.sign_in().attributes["email"], "alice@example.org")

    def test_odd_attributes(self) -> None:
        """An attribute that could break a log line or a page's order is left out."""
        self.meet(registration(attributes=("name",)))
        for odd in ("a\nb", "", "x" * 257, "\u202eevil", ["a"], {"a": 1}, None, 1.5):
            self.provider.claims["name"] = odd
            self.assertEqual(dict(self.sign_in().attributes), {})

    def test_groups(self) -> None:
        """Groups come from the claim the operator has named, and from no other."""
        self.provider.claims["groups"] = ["staff"]
        self.assertEqual(self.sign_in().groups, ())
        self.meet(registration(groups_claim="groups"))
        self.provider.claims["groups"] = ["staff", "/a/b", "staff", "x y", "", 7, "a\n"]
        self.assertEqual(self.sign_in().groups, ("staff", "/a/b"))
        self.provider.claims["groups"] = "staff"
        self.assertEqual(self.sign_in().groups, ("staff",))
        self.refused_token("too many groups", groups=[f"g{number}" for number in range(1001)])

    def test_allowed_domains_and_addresses(self) -> None:
        """Where people are named, only these are let in."""
        self.meet(registration(domains=("example.org",), emails=("guest@else.org",)))
        self.provider.claims.update(email="alice@EXAMPLE.org", email_verified=True)
        self.assertEqual(self.sign_in().upn, "alice")
        self.provider.claims["email"] = "Guest@else.org"
        self.assertEqual(self.sign_in().upn, "alice")
        for email in ("other@else.org", "a@sub.example.org", "a@example.org@else.org", None):
            self.refused_token("no allowed", email=email)
        self.refused_token("no allowed", email="alice@example.org", email_verified=False)

    def test_hosted_domain(self) -> None:
        """For Google a domain is the one it vouches for, not what an address looks like."""
        self.meet(google_registration("k", "s", domains=("example.org",), issuer=ISSUER))
        self.provider.claims.update(
            email="alice@example.org", email_verified=True, hd="example.org", name="A"
        )
        user = self.sign_in()
        self.assertEqual((user.upn, user.method), ("alice@example.org", "google"))
        self.assertEqual(user.attributes["hd"], "example.org")
        self.refused_token("no allowed", hd="else.org")
        del self.provider.claims["hd"]
        self.refused_token("no allowed")

    def test_anybody(self) -> None:
        """With * everybody is let in whom the provider knows."""
        self.meet(google_registration("k", "s", domains=("*",), issuer=ISSUER))
        self.provider.claims.update(email="a@gmail.com", email_verified=True)
        self.assertEqual(self.sign_in().upn, "a@gmail.com")

    def test_google_spells_itself_in_two_ways(self) -> None:
        """Google may leave the scheme out of its own name, others may not."""
        chosen = google_registration("k", "s", domains=("*",))
        self.meet(chosen)
        self.provider.claims.update(email="a@gmail.com", email_verified=True)
        self.provider.claims["iss"] = "accounts.google.com"
        self.assertEqual(self.sign_in().upn, "a@gmail.com")

    def test_userinfo(self) -> None:
        """What the ID token does not say the userinfo may, if it is about the same person."""
        self.meet(registration(asks_userinfo=True, attributes=("name",)))
        self.provider.userinfo = {"sub": "alice", "name": "Alice", "iss": "x", "hd": "y"}
        self.assertEqual(dict(self.sign_in().attributes), {"name": "Alice"})
        self.provider.userinfo = {"sub": "mallory", "name": "Alice"}
        self.refused_token("somebody else")

    def test_userinfo_does_not_overrule(self) -> None:
        """What is signed stands."""
        self.meet(registration(asks_userinfo=True, upn_claim="preferred_username"))
        self.provider.claims["preferred_username"] = "alice"
        self.provider.userinfo = {"sub": "alice", "preferred_username": "root"}
        self.assertEqual(self.sign_in().upn, "alice")


class OutageTests(RelyingCase):
    """A provider that is not there, or says nonsense."""

    def unavailable(self, work: Coroutine[Any, Any, object]) -> str:
        failure = self.failureResultOf(Deferred.fromCoroutine(work), Unavailable)
        return str(failure.value)

    def test_unreachable(self) -> None:
        """When the provider is not there nobody signs in, and it is asked again next time."""
        self.provider.answers["openid-configuration"] = unreachable()
        self.assertIn("try again later", self.unavailable(self.party.begin(BACK, "/", PEER, None)))
        self.provider.answers.clear()
        self.assertEqual(self.sign_in().upn, "alice")

    def test_bad_documents(self) -> None:
        """A discovery document of another form, or another issuer's, is none."""
        good = dict(self.provider.document)
        bad: list[dict[str, object]] = [
            {},
            {**good, "issuer": "https://other.example.org"},
            {**good, "issuer": ISSUER + "/"},
            {**good, "token_endpoint": "http://op.example.org/token"},
            {**good, "token_endpoint": "http://127.0.0.1/token"},
            {**good, "token_endpoint": "https://user@op.example.org/token"},
            {**good, "jwks_uri": "file:///etc/passwd"},
            {**good, "authorization_endpoint": "javascript:alert(1)"},
            {**good, "authorization_endpoint": "https://op.example.org/\r\nX: y"},
            {**good, "authorization_endpoint": None},
            {**good, "id_token_signing_alg_values_supported": ["HS256", "none"]},
        ]
        for document in bad:
            self.provider.document = document
            self.unavailable(self.party.begin(BACK, "/", PEER, None))
        self.provider.document = good
        self.begin()

    def test_error_statuses(self) -> None:
        """A provider's own faults are no refusals; a refused code is one."""
        for ending in ("/keys", "/token"):
            self.meet(registration())
            self.provider.answers[ending] = Answer(500, {})
            url, flow = self.begin()
            self.unavailable(self.party.finish(self.provider.authorize(url), PEER, flow.binding))
        self.meet(registration())
        self.provider.answers["/token"] = Answer(302, {"id_token": "x"})
        url, flow = self.begin()
        self.unavailable(self.party.finish(self.provider.authorize(url), PEER, flow.binding))

    def test_asked_once_by_all(self) -> None:
        """Many who wait for the same answer make one request; one who goes takes it from nobody."""
        self.provider.held["openid-configuration"] = []
        waiting = [
            Deferred.fromCoroutine(self.party.begin(BACK, "/", f"192.0.2.{host}", None))
            for host in range(5)
        ]
        waiting[0].addErrback(lambda failure: None)
        waiting[0].cancel()
        self.assertEqual(len(self.provider.held["openid-configuration"]), 1)
        self.provider.held["openid-configuration"][0].callback(None)
        for each in waiting[1:]:
            self.successResultOf(each)
        self.assertEqual(self.provider.requests, ["openid-configuration"])

    def test_many_at_once(self) -> None:
        """One address has only so many sign-ins judged at once, and takes no place of others."""
        self.provider.held["/token"] = []
        waiting = []
        for number in range(MAX_PENDING_PER_PEER + 1):
            url, flow = self.begin()
            fields = self.provider.authorize(url)
            work = self.party.finish(fields, PEER, flow.binding)
            waiting.append(Deferred.fromCoroutine(work))
            self.assertEqual(len(self.provider.held["/token"]), min(number + 1, 8))
        self.failureResultOf(waiting.pop(), Unavailable)
        url, flow = self.begin()
        other = self.party.finish(self.provider.authorize(url), "192.0.2.1", flow.binding)
        waiting.append(Deferred.fromCoroutine(other))
        for held in self.provider.held.pop("/token"):
            held.callback(None)
        for each in waiting:
            self.assertEqual(self.successResultOf(each)[0].upn, "alice")
        self.sign_in()

    def test_fresh(self) -> None:
        """What a provider says of itself is asked anew every hour."""
        self.sign_in()
        self.sign_in()
        self.assertEqual(self.provider.requests.count("openid-configuration"), 1)
        self.clock.advance(FRESH_S)
        self.sign_in()
        self.assertEqual(self.provider.requests.count("openid-configuration"), 2)

    def test_reason_is_logged(self) -> None:
        """The operator reads why somebody could not sign in, without code, state or token."""
        url, flow = self.begin()
        fields = {**self.provider.authorize(url), "iss": "https://other.example.org"}
        with capturedLogs() as events:
            self.refused(fields, flow.binding)
        [event] = [event for event in events if "no sign-in by" in event.get("log_format", "")]
        self.assertEqual(event["peer"], PEER)
        self.assertIn("another provider", event["reason"])
        for secret in (fields["code"], flow.state, flow.nonce, flow.verifier, flow.binding):
            self.assertNotIn(secret, repr(event))
