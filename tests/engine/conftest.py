"""Fixtures for the tests of mailmover alone: its program, certificates, real servers shared by all."""

import os
import pathlib
import shutil
import tempfile

import pytest

from stack import certs, dovecot, process
from .case import Case, prepare


def pytest_configure():
    process.adopt_orphans()


@pytest.fixture(scope="session")
def program(build_dir):
    """The mailmover of the build that BUILD_DIR names."""
    found = build_dir / "mailmover"
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
    prepare(source, destination, users=900 if os.environ.get("CHECK_LONG") else 249)
    source.start()
    destination.start()
    yield source, destination
    source.stop()
    destination.stop()


@pytest.fixture
def case(program, tmp_path, authority, pair):
    """A fresh user on the pair of Dovecots."""
    return Case(program, tmp_path, authority, *pair)
