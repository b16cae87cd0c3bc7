Daemon and keeper took 66 MB at start instead of 74 (with TLS 72 instead of 76): what most daemons never use is loaded when it is first used.
