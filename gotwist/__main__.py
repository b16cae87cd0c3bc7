"""Makes ``python -m gotwist`` the same as the console script."""

import sys

from gotwist.command import main

if __name__ == "__main__":
    sys.exit(main())
