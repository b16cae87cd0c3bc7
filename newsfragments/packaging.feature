A wheel, an editable install and `pipx` install the same plugin; `gotwist` is `twistd -n gotwist` in one word, `gotwist link` prints a fresh launch link.
