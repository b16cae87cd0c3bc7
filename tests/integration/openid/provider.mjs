// A real OpenID provider on loopback. Argument: JSON with port, client, redirectUris, key (JWK).
// Whoever signs in names himself; the password is not looked at.
import Provider from "oidc-provider";

const { port, client, redirectUris, key } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      redirect_uris: redirectUris,
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
  ],
  jwks: { keys: [key] },
  cookies: { keys: ["only for tests"] },
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
    groups: ["groups"],
  },
  // What the scopes ask for stands in the ID token itself.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, userinfo: { enabled: true } },
  ttl: { AuthorizationCode: 60 },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      name: `${id} of the tests`,
      preferred_username: id,
      email: `${id}@example.org`,
      email_verified: id !== "unverified",
      groups: ["staff", `group-of-${id}`],
    }),
  }),
});

const server = provider.listen(port, "127.0.0.1", () => console.log("listening"));
// Ends with whoever started it.
process.stdin.resume().on("end", () => server.close(() => process.exit(0)));
