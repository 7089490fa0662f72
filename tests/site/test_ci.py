"""The project's own machinery: steps of `.ci`, workflows, tasks, hooks and what they name."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").exists())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SCRIPTS = sorted(path for path in (ROOT / ".ci").iterdir() if path.name != "run")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def steps():
    """The names of the steps that `.ci/run` calls, in order."""
    return re.search(r"steps=\(([a-z ]+)\)", read(".ci/run"))[1].split()


def test_every_script_is_a_step():
    assert sorted(steps()) == [path.name for path in SCRIPTS if path.suffix != ".sh"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_bash(script):
    subprocess.run(["bash", "-n", script], check=True)
    if script.suffix != ".sh":
        assert script.stat().st_mode & 0o111
        assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n# ")


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_steps_alone(workflow):
    text = workflow.read_text(encoding="utf-8")
    commands = re.findall(r"\brun: (.*)", text)
    matrix = re.findall(r"\bstep: \[([a-z, ]+)\]", text)
    assert commands
    for command in commands:
        called = re.fullmatch(r'bash "?\.ci/(\$STEP|[a-z]+)"?( dist)?', command)
        assert called, command
        names = matrix[0].split(", ") if called[1] == "$STEP" else [called[1]]
        assert set(names) <= set(steps())


def test_the_workflow_runs_all_steps():
    text = read(".github/workflows/ci.yml")
    called = set(re.findall(r"bash \.ci/([a-z]+)", text))
    called.update(*(names.split(", ") for names in re.findall(r"\bstep: \[(.*)\]", text)))
    assert called == set(steps())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(workflow):
    for action in re.findall(r"\buses: (.*)", workflow.read_text(encoding="utf-8")):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_an_action_has_one_pin():
    pins = {}
    for workflow in WORKFLOWS:
        for name, pin in re.findall(r"\buses: (.*)@(.*)", workflow.read_text(encoding="utf-8")):
            assert pins.setdefault(name, pin) == pin


def test_hooks_are_pinned():
    text = read(".pre-commit-config.yaml")
    pins = re.findall(r"\brev: (.*)", text)
    assert len(pins) == text.count("repo: https://")
    for pin in pins:
        assert re.fullmatch(r"[0-9a-f]{40} # frozen: v?[\d.]+", pin), pin


def test_the_hook_formats_c_as_the_step_does():
    (version,) = re.findall(
        r"additional_dependencies: \[clang-format==(.*)\]", read(".pre-commit-config.yaml")
    )
    assert f"clang-format=={version}" in PROJECT["dependency-groups"]["lint"]


def test_the_hook_checks_types_as_the_step_does():
    (needed,) = re.findall(
        r'additional_dependencies: \[("numpy.*)\]', read(".pre-commit-config.yaml")
    )
    group = PROJECT["dependency-groups"]["types"]
    assert sorted(re.findall(r'"(.*?)"', needed)) == sorted(
        one for one in group if not one.startswith("mypy")
    )


def test_tasks_are_steps():
    tasks = re.findall(r'^    "([a-z]+)": ', read("noxfile.py"), re.MULTILINE)
    assert tasks == [step for step in steps() if step != "system"]


def test_the_page_on_versions_names_the_oldest_of_each():
    oldest = re.search(
        r"needs Python ([\d.]+) and NumPy ([\d.]+), or later", read("docs/use/versions.rst")
    )
    assert PROJECT["project"]["requires-python"] == f">={oldest[1]}"
    assert PROJECT["project"]["dependencies"] == [f"numpy>={oldest[2]}"]


def test_the_citation_names_this_version():
    assert (
        re.search(r"^version: (.*)$", read("CITATION.cff"), re.MULTILINE)[1]
        == (PROJECT["project"]["version"])
    )
