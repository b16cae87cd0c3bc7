`auth=kerberos` signs people in by a Kerberos ticket (SPNEGO), in browsers and with `curl --negotiate`. See `docs/kerberos.md`; needs `gotwist[kerberos]`.
