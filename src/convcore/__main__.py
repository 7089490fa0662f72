"""``python -m convcore``: the command line."""

import sys

from convcore.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
