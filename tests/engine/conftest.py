"""Fixtures for the tests of mailmover alone: its program, certificates, real servers shared by all."""

import os
import pathlib
import shutil
import tempfile

import pytest

from stack import certs, dovecot, process


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="every promise in full (as CHECK_LONG=1)")


def pytest_configure(config):
    process.adopt_orphans()
    if config.getoption("--long", False):
        os.environ["CHECK_LONG"] = "1"


def pytest_collection_modifyitems(items):
    if os.environ.get("CHECK_LONG"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: CHECK_LONG=1 or --long"))


@pytest.fixture(scope="session")
def long():
    return bool(os.environ.get("CHECK_LONG"))


@pytest.fixture(scope="session")
def program():
    """The mailmover of the build that BUILD_DIR names."""
    directory = os.environ.get("BUILD_DIR")
    if not directory:
        pytest.exit("BUILD_DIR is not set: BUILD_DIR=/path/to/build /usr/bin/python3 -m pytest tests/engine", 2)
    found = pathlib.Path(directory).resolve() / "mailmover"
    if not found.exists():
        pytest.exit(f"{found} is not there: run make first", 2)
    return found


@pytest.fixture(scope="session")
def place():
    """A directory for all servers, short and readable by their users."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="desk-engine-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(place):
    return certs.Authority(place / "ca")


@pytest.fixture(scope="session")
def pair(place, authority):
    """Two Dovecots: maildir with "." (as many old servers have it) to sdbox with "/"."""
    source = dovecot.Dovecot("source", place / "source", authority.issue("source"), storage="maildir", separator=".")
    destination = dovecot.Dovecot("destination", place / "destination", authority.issue("destination"))
    source.start()
    destination.start()
    yield source, destination
    source.stop()
    destination.stop()
