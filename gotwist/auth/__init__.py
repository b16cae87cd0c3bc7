"""Who somebody is: credentials, tokens, sign-ins, and the one place that judges them."""
