"""Compiles the library's own C files and the explorer's wrapper to WebAssembly.

The compiler is clang from the package ``ziglang``, which also brings the C library. What differs
from a wheel is said in flags alone: one table of kernels (float64, the sizes of the baseline), no
OpenMP, small code instead of fast. ``docs/design/explorer.rst`` tells more.
"""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

DOCS = Path(__file__).resolve().parents[1]
CSRC = DOCS.parent / "src" / "convcore" / "csrc"
WRAPPER = DOCS / "explorer" / "explorer.c"

FLAGS = [
    "-target",
    "wasm32-wasi",
    "-std=c11",
    "-Oz",
    "-msimd128",
    "-ffunction-sections",
    "-fdata-sections",
    f"-I{CSRC}",
]
KERNEL_FLAGS = [
    "-DCC_REAL=double",
    "-DCC_REAL_BYTES=8",
    "-DCC_TABLE=baseline_f64",
    "-DCC_MOVES=baseline_b64",
    "-DCC_VECTOR_BYTES=16",
    "-DCC_REGISTER_BYTES=16",
    "-DCC_REGISTERS=16",
    "-DCC_INLINE=static inline",
    "-DCC_UNROLL=",
    "-ffp-contract=off",
    "-fno-math-errno",
]  # WebAssembly has no fused multiply-add
LINK_FLAGS = ["-mexec-model=reactor", "-Wl,--gc-sections", "-s"]


class CompileError(Exception):
    """The explorer can't be compiled; says why."""


def sources():
    """Return the C files that are compiled: every operator, every kernel, the wrapper."""
    left_out = ("dispatch", "xla")  # one set of kernels; no XLA
    folders = sorted(path for path in CSRC.iterdir() if path.is_dir() and path.name not in left_out)
    return [*(source for folder in folders for source in sorted(folder.glob("*.c"))), WRAPPER]


def fingerprint():
    """Return a hash of everything that the result depends on."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    headers = [*sorted(CSRC.rglob("*.h")), *sorted(WRAPPER.parent.glob("*.h"))]
    for path in [*headers, *sorted(CSRC.rglob("*.def")), *sources()]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:32]


def run(*arguments):
    """Call the compiler."""
    command = [sys.executable, "-m", "ziglang", "cc", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{' '.join(command)}\n{done.stderr}")


def compile_one(source, target):
    """Compile one file to an object file."""
    flags = KERNEL_FLAGS if source.parent.name == "kernels" else []
    run(*FLAGS, *flags, "-c", source, "-o", target)
    return target


def build(cache):
    """Return the compiled module, kept in the directory ``cache`` until a source changes."""
    if find_spec("ziglang") is None:
        raise CompileError("the explorer is compiled by the package ziglang, which isn't installed")
    cache = Path(cache)
    kept = cache / f"{fingerprint()}.wasm"
    if kept.exists():
        return kept.read_bytes()
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache) as work, ThreadPoolExecutor(2) as pool:
        targets = [Path(work, f"{path.parent.name}-{path.stem}.o") for path in sources()]
        objects = list(pool.map(compile_one, sources(), targets))
        module = Path(work, "explorer.wasm")
        run(*FLAGS, *LINK_FLAGS, *objects, "-o", module)
        for old in cache.glob("*.wasm"):
            old.unlink()
        module.replace(kept)
    return kept.read_bytes()
