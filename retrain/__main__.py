"""`python -m retrain`: the command line."""

import sys

from retrain.doors.cli import main

if __name__ == "__main__":
    sys.exit(main())
