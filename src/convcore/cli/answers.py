"""How a command says that it cannot do its work: a sentence on standard error, an exit code."""

import sys


def refused(command: str, sentence: str) -> int:
    """Report wrong arguments; the sentence begins with the command."""
    print(f"convcore {sentence} (try: convcore {command} --help)", file=sys.stderr)
    return 2


def failed(command: str, sentence: str) -> int:
    """Report why a command failed."""
    print(f"convcore {command}: {sentence}", file=sys.stderr)
    return 1
