"""The commands of scripts/: what they say when they are used wrongly, and that their lists are complete."""

import re
import subprocess

import pytest

from stack.stack import TOP

SCRIPTS = TOP / "scripts"


def run(name, *arguments):
    return subprocess.run([SCRIPTS / name, *arguments], capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("name,arguments", [
    ("install-packages", []), ("install-packages", ["toys"]), ("build", []), ("check", ["no-such-suite"]),
    ("vm112-gate", []), ("vm112-gate", ["--url"]), ("vm112-gate", ["a.example", "b.example"]),
])
def test_wrong_usage(name, arguments):
    result = run(name, *arguments)
    assert result.returncode in (1, 2)
    assert name in result.stderr and not result.stdout


@pytest.mark.parametrize("name", ["demo", "check"])
def test_help(name):
    result = run(name, "--help")
    assert result.returncode == 0 and f"scripts/{name}" in result.stdout


def test_packages_have_purposes():
    for line in (SCRIPTS / "packages").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            assert re.fullmatch(r"(build|run|test|long|bench) +[a-z0-9][a-z0-9.+-]+( +\S.*)?", line), line


def test_nothing_to_install_here():
    """This machine runs the tests, so it has what they need: nothing is printed, nothing is installed."""
    result = run("install-packages", "build", "run", "test")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_token_is_not_an_argument(tmp_path):
    """vm112-gate hands the token to curl through a pipe: the process list shows arguments to everybody."""
    text = (SCRIPTS / "vm112-gate").read_text(encoding="utf-8")
    assert "--header @-" in text
    assert not re.search(r"--header ['\"]?Authorization", text)
    missing = run("vm112-gate", "--token-file", str(tmp_path / "none"), "a.example")
    assert missing.returncode == 3 and str(tmp_path / "none") in missing.stderr
