"""The environment variables of convcore, read once, when the package is imported."""

import os
import sys

from convcore import _core
from convcore.engine.algorithm import set_algorithm
from convcore.engine.array_api import set_array_api
from convcore.engine.threads import set_num_threads
from convcore.spec.errors import short_repr
from convcore.spec.options import ALGORITHMS, MAX_THREADS


def _read_environment() -> None:
    """Apply CONVCORE_ISA, _NUM_THREADS, _ALGORITHM and _ARRAY_API."""
    available = [name for name, runs in _core.isa_levels() if runs]
    wanted = os.environ.get("CONVCORE_ISA") or available[-1]
    if wanted not in available:
        raise ValueError(
            f"CONVCORE_ISA must be one of those available here, {', '.join(available)}, got "
            f"{short_repr(wanted)}"
        )
    _core.choose_isa(wanted)
    count = os.environ.get("CONVCORE_NUM_THREADS")
    if count:
        digits = count.strip()
        if not (digits.isdecimal() and len(digits) < 9 and 1 <= int(digits) <= MAX_THREADS):
            raise ValueError(
                f"CONVCORE_NUM_THREADS must be an integer from 1 to {MAX_THREADS}, got "
                f"{short_repr(count)}"
            )
        set_num_threads(int(digits))
    algorithm = os.environ.get("CONVCORE_ALGORITHM")
    if algorithm:
        if algorithm not in ALGORITHMS:
            raise ValueError(
                f"CONVCORE_ALGORITHM must be one of {', '.join(ALGORITHMS)}, got "
                f"{short_repr(algorithm)}"
            )
        set_algorithm(algorithm)
    arrays = os.environ.get("CONVCORE_ARRAY_API")
    if arrays:
        if arrays not in ("0", "1"):
            raise ValueError(f"CONVCORE_ARRAY_API must be 0 or 1, got {short_repr(arrays)}")
        set_array_api(arrays == "1")


def _is_command() -> bool:
    """Return whether this process is convcore's command line, or ``python -m convcore``."""
    name = sys.argv[0] if sys.argv else ""
    if name == "-m":  # while Python looks for the module, whose name precedes the arguments
        return sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "convcore"
    return os.path.splitext(os.path.basename(name))[0] == "convcore"  # noqa: PTH119, PTH122


try:
    _read_environment()
except ValueError as error:
    if not _is_command():
        raise
    # The command line cannot catch it: importing its module imports the package first.
    print(f"convcore: {error}", file=sys.stderr)
    raise SystemExit(2) from None
