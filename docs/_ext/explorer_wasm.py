"""Compiles the library's C files, and the explorer's few lines, to WebAssembly.

The compiler is the Clang in the package ``ziglang``: ``python -m ziglang cc``. The C files are
those of the wheel, unchanged: all of ``csrc/ops``, and of ``csrc/kernels`` what CMake compiles for
float64 on the baseline. ``csrc/dispatch`` is left out: there is one instruction set to choose from.
"""

import hashlib
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parents[1]
CSRC = DOCS.parent / "src" / "convcore" / "csrc"
KERNELS = ("dots", "first", "fold", "move", "norm", "pixels", "probe", "rows", "spread", "table")
EXPORTS = ("settings", "sizes", "input", "weights", "output", "taps", "sets", "usage", "terms",
           "run", "look")

FLAGS = ["-target", "wasm32-wasi", "-Os", "-msimd128", "-std=c11", "-Wall", "-Werror",
         "-ffp-contract=off", "-fno-math-errno"]
DEFINITIONS = ["-DCC_REAL=double", "-DCC_REAL_BYTES=8", "-DCC_TABLE=baseline_f64",
               "-DCC_VECTOR_BYTES=16", "-DCC_REGISTERS=16"]
LINK = ["-mexec-model=reactor", "-Wl,--strip-all", "-Wl,--gc-sections",
        *(f"-Wl,--export=explorer_{name}" for name in EXPORTS)]


def sources():
    """Return the C files that are compiled, those of the library first."""
    kernels = [CSRC / "kernels" / f"{name}.c" for name in KERNELS]
    return [*sorted((CSRC / "ops").glob("*.c")), *kernels, DOCS / "explorer" / "explorer.c"]


def fingerprint():
    """Return a name for what the compiler would be given: every file, header and flag."""
    digest = hashlib.sha256(repr((FLAGS, DEFINITIONS, LINK)).encode())
    for path in sorted({*sources(), *CSRC.rglob("*.h")}):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def compiled(folder):
    """Return the module's bytes; ``folder`` keeps them until a file or flag is another."""
    kept = Path(folder) / f"explorer-{fingerprint()}.wasm"
    if not kept.is_file():
        if find_spec("ziglang") is None:
            raise RuntimeError("the explorer is compiled by the package ziglang: install it")
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            target = Path(scratch) / "explorer.wasm"
            command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *DEFINITIONS, f"-I{CSRC}",
                       *map(str, sources()), *LINK, "-o", str(target)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"the explorer does not compile:\n{done.stderr}")
            kept.write_bytes(target.read_bytes())
    return kept.read_bytes()
