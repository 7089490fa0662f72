"""Facts about this build and this machine."""

import sys

from convcore import _core
from convcore.engine.threads import get_num_threads

VERSION = "0.1.0"


def build_info() -> dict[str, object]:
    """Return facts about this build and this machine, for reports.

    Returns
    -------
    dict
        ``version``, ``python``, ``compiler``, ``flags``, ``isa`` (the instruction set whose kernels
        run), ``isa_compiled``, ``isa_available`` (lists of names, least first), ``openmp`` (bool),
        ``threads`` (as :func:`get_num_threads`).

    Examples
    --------
    >>> import convcore
    >>> info = convcore.build_info()
    >>> info["isa"] in info["isa_available"]
    True
    """
    compiler, flags = _core.compiler()
    levels = _core.isa_levels()
    return {
        "version": VERSION,
        "python": sys.version.split()[0],
        "compiler": compiler,
        "flags": flags,
        "isa": _core.isa(),
        "isa_compiled": [name for name, _ in levels],
        "isa_available": [name for name, available in levels if available],
        "openmp": _core.has_openmp(),
        "threads": get_num_threads(),
    }
