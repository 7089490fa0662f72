#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Tasks: a session is the step of .ci that has its name, in an environment that is kept."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"  # the steps need its pip
nox.options.reuse_existing_virtualenvs = True

STEPS = {
    "lint": "Rules and format of all sources.",
    "types": "Types; the package need not be built.",
    "test": "The README's command for the tests.",
    "fuzz": "Random calls, compared with the reference.",
    "wheel": "A wheel, into dist.",
    "site": "The site and its tests.",
    "levels": "The tests at every instruction set of this machine.",
    "serial": "Tests of a build without OpenMP.",
    "bridges": "Bridges to other libraries, with the libraries.",
}


def session_of(step: str) -> None:
    """Make a session of one of the scripts."""

    def run(session: nox.Session) -> None:
        folder = ["dist"] if step == "wheel" else []
        session.run("bash", f".ci/{step}", *folder, external=True)

    run.__doc__ = STEPS[step]
    nox.session(run, name=step, default=step in ("lint", "types", "test"))


for name in STEPS:
    session_of(name)


if __name__ == "__main__":
    nox.main()
