Started by root with `--uid`, gotwist gave its rights up before it met the network, and a second,
small process opened terminals as the accounts of those who signed in, each in a PAM session of its
own. `gotwist keeper` runs that process by itself, for a unit of its own (`conf/systemd`).
