"""`python -m retrain`: the command line."""

from retrain.doors.cli import entry

if __name__ == "__main__":
    entry()
