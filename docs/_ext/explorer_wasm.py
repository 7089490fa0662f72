"""Compiles the library's own C files and a page's wrapper, the explorer's, to WebAssembly.

The compiler is clang from the package ``ziglang``, which also brings the C library. What differs
from a wheel is said in flags alone: one table of kernels (float64, the sizes of the baseline), no
OpenMP, small code instead of fast. ``docs/design/explorer.rst`` tells more.
"""

import hashlib
import shutil
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


def library():
    """Return the library's C files that are compiled: every operator, every kernel."""
    left_out = ("dispatch", "xla")  # one set of kernels; no XLA
    folders = sorted(path for path in CSRC.iterdir() if path.is_dir() and path.name not in left_out)
    return [source for folder in folders for source in sorted(folder.glob("*.c"))]


def sources(wrapper=None):
    """Return all C files that are compiled: the library's, and those beside a page's wrapper."""
    return [*library(), *sorted((wrapper or WRAPPER).parent.glob("*.c"))]


def digest(files):
    """Return a hash of everything that what is made of these files depends on."""
    found = hashlib.sha256(Path(__file__).read_bytes())
    headers = [*sorted(CSRC.rglob("*.h")), *sorted(WRAPPER.parent.glob("*.h"))]
    for path in [*headers, *sorted(CSRC.rglob("*.def")), *files]:
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:32]


def fingerprint(wrapper=None):
    """Return a hash of everything that the module depends on."""
    return digest(sources(wrapper))


def run(*arguments):
    """Call the compiler."""
    command = [sys.executable, "-m", "ziglang", "cc", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{' '.join(command)}\n{done.stderr}")


def compile_one(source, target):
    """Compile one file to an object file, unless that is there."""
    if not target.exists():
        flags = KERNEL_FLAGS if source.parent.name == "kernels" else []
        made = target.with_suffix(".part")
        run(*FLAGS, *flags, "-c", source, "-o", made)
        made.replace(target)
    return target


def folder_of_objects(keep):
    """Return a folder for the library's object files; those of older sources are removed."""
    folder = Path(keep, digest(library()))
    for old in Path(keep).glob("*"):
        if old != folder:
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def build(cache, wrapper=None, objects=None):
    """Return the compiled module, kept in the directory ``cache`` until a source changes.

    ``objects``: a directory that modules share, which keeps what is compiled of the library.
    """
    if find_spec("ziglang") is None:
        raise CompileError("the explorer is compiled by the package ziglang, which isn't installed")
    cache, wrapper = Path(cache), wrapper or WRAPPER
    kept = cache / f"{fingerprint(wrapper)}.wasm"
    if kept.exists():
        return kept.read_bytes()
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache) as work, ThreadPoolExecutor(2) as pool:
        shared = folder_of_objects(objects) if objects else Path(work)
        ours = library()
        targets = [shared / f"{path.parent.name}-{path.stem}.o" for path in ours]
        own = sources(wrapper)[len(ours) :]
        targets += [Path(work, f"wrapper-{path.stem}.o") for path in own]
        compiled = list(pool.map(compile_one, [*ours, *own], targets))
        module = Path(work, "module.wasm")
        run(*FLAGS, *LINK_FLAGS, *compiled, "-o", module)
        for old in cache.glob("*.wasm"):
            old.unlink()
        module.replace(kept)
    return kept.read_bytes()
