"""The options of single sign-on: Kerberos, OpenID Connect, Google (application ``gotwist``)."""

from __future__ import annotations

from gotwist.settings.kinds import Boolean, Path, Text
from gotwist.settings.lists import TextList
from gotwist.settings.option import Option
from gotwist.settings.provider_kinds import KeyAndSecret, claim, domain, email

_KERBEROS = "Signing in by Kerberos"
_OPENID = "Signing in by OpenID Connect"
_GOOGLE = "Signing in by Google"

_ISSUER = Text(
    r"https?://[A-Za-z0-9.:\[\]-]{1,255}(/[\x21\x24-\x3e\x40-\x5b\x5d-\x7e]*)?",
    "an address such as https://login.example.org/realms/staff",
)
_CREDENTIAL = Text(r"[\x20-\x7e]{1,512}", "a text of at most 512 plain characters")
_CLAIM = Text(r"[A-Za-z0-9_:/.-]{1,128}", "the name of a claim, such as preferred_username")
_WORD = Text(r"[^\x00-\x1f\x7f]{1,64}", "a text of at most 64 characters")

KERBEROS_OPTIONS = (
    Option(
        "sso_realm",
        Text(r"[A-Za-z0-9._-]{1,255}", "a realm such as EXAMPLE.ORG"),
        None,
        "Realm whose people are let in, and what is shown where a browser asks for a password. "
        "Not set: the realm of the service itself.",
        _KERBEROS,
        restart=True,
    ),
    Option(
        "sso_service",
        Text(r"[A-Za-z][A-Za-z0-9_-]{0,63}", "a service name such as HTTP"),
        "HTTP",
        "Name of the service in the keytab, before the slash.",
        _KERBEROS,
        restart=True,
    ),
    Option(
        "sso_keytab",
        Path(),
        "/etc/krb5.keytab",
        "Keys of the service; a file that only the daemon can read.",
        _KERBEROS,
        restart=True,
    ),
)

OPENID_OPTIONS = (
    Option(
        "oidc_issuer",
        _ISSUER,
        None,
        "The provider: its issuer, letter for letter as it calls itself. https, on loopback "
        "also http.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_client_id",
        _CREDENTIAL,
        None,
        "What the provider calls this daemon. Its redirect URI is <url>auth/oidc.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_client_secret",
        _CREDENTIAL,
        None,
        "The secret that goes with it. Not set: a public client.",
        _OPENID,
        command_line=False,
        restart=True,
        secret=True,
    ),
    Option(
        "oidc_name",
        _WORD,
        "single sign-on",
        "What the sign-in page calls the provider.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_scopes",
        TextList(claim),
        ["openid", "profile", "email"],
        "What is asked of the provider; openid is always among it.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_upn_claim",
        _CLAIM,
        "sub",
        "The claim that is the user's name. The provider must give each value to one person "
        "for ever, and let nobody choose it; email counts only when verified.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_groups_claim",
        _CLAIM,
        None,
        "The claim with the user's groups. Not set: none.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_attributes",
        TextList(claim),
        ["name", "email"],
        "Claims that become attributes of the user.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_userinfo",
        Boolean(),
        False,
        "Also ask the userinfo endpoint, for what the ID token does not say.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_allowed_domains",
        TextList(domain),
        [],
        "Let in only people whose verified address is of one of these domains, or one of "
        "oidc_allowed_emails.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_allowed_emails",
        TextList(email),
        [],
        "Let in only people with one of these verified addresses, or of oidc_allowed_domains.",
        _OPENID,
        restart=True,
    ),
    Option(
        "oidc_ca_certs",
        Path(),
        None,
        "Authorities (PEM) that alone are believed about the provider. Not set: the system's.",
        _OPENID,
        restart=True,
    ),
)

GOOGLE_OPTIONS = (
    Option(
        "google_oauth",
        KeyAndSecret(),
        None,
        'What Google has given for this daemon: {"key": "...", "secret": "..."}. The redirect '
        "URI is <url>auth.",
        _GOOGLE,
        command_line=False,
        restart=True,
        secret=True,
    ),
    Option(
        "google_allowed_domains",
        TextList(domain),
        [],
        "Google Workspace domains whose people are let in. *: everybody with a Google account.",
        _GOOGLE,
        restart=True,
    ),
    Option(
        "google_allowed_emails",
        TextList(email),
        [],
        "Addresses of people who are let in, whatever their domain.",
        _GOOGLE,
        restart=True,
    ),
)

SSO_OPTIONS = KERBEROS_OPTIONS + OPENID_OPTIONS + GOOGLE_OPTIONS
