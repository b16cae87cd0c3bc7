With `session_timeout=0` a session and its programs end with the last browser; programs find a directory for downloads in `GO_USER_SESSION_DIR`, which is there from the first terminal on.
