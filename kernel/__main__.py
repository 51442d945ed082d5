"""`python -m kernel FILE [argument ...]`: run a file's `main`. `kernel.shell.programs` does the work."""

import sys

from .shell.programs import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
