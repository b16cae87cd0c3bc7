Applications may add web handlers at any time. One that fails for a client, or claims another's action, costs only itself and is named in the log.
