"""What the tests of mailmover verify share: two Dovecots, accounts filled alike, and how to find a message in them."""

import pathlib
import re
import shutil
import tempfile

import pytest

from stack import certs
from stack.dovecot import Dovecot
from stack.verifying import Pair


@pytest.fixture(scope="module")
def pair(program):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="desk-verify-"))
    directory.chmod(0o755)
    authority = certs.Authority(directory / "ca")
    source = Dovecot("source", directory / "source", authority.issue("source"), storage="sdbox")
    destination = Dovecot("destination", directory / "destination", authority.issue("destination"),
                          storage="maildir", separator=".")
    both = Pair(program, directory, authority, source, destination)
    try:
        source.start()
        destination.start()
        yield both
    finally:
        source.stop()
        destination.stop()
        shutil.rmtree(directory)


@pytest.fixture(params=["--deep", None], ids=["deep", "quick"])
def mode(request):
    return [request.param] if request.param else []


def dest_name(path):
    return path.replace("/", ".")


def find(folders, path, wanted):
    """Positions in a folder of the messages that `wanted` accepts."""
    return [i for f in folders if f.path == path for i, m in enumerate(f.messages) if wanted(m)]


def message_id(message):
    found = re.search(rb"^Message-ID: (.*)\r", message.data, re.M)
    return found[1] if found else None


def plain(message):
    """One with a Message-Id and a real body (see pick for the twins)."""
    return message_id(message) is not None and b"MIME-Version" in message.data
