`./dev run` takes a bare machine to a running daemon, with a Node of its own where there is none; `./dev test` does the same for the tests.
