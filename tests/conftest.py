"""Fixtures: the whole system, once a session, from the build that BUILD_DIR names."""

import collections
import itertools
import os
import pathlib

import pytest

from stack.stack import Stack
from stack import mailgen

LONG = bool(os.environ.get("CHECK_LONG"))
_domains = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="every promise in full, as CHECK_LONG=1")


def pytest_configure(config):
    global LONG
    LONG = LONG or config.getoption("--long")


def pytest_collection_modifyitems(items):
    order = collections.Counter()
    for item in items:
        sample, every = item.get_closest_marker("sample"), item.get_closest_marker("every")
        name = item.nodeid.partition("[")[0]
        order[name] += 1
        if item.get_closest_marker("long") and not LONG:
            item.add_marker(pytest.mark.skip(reason="takes minutes: CHECK_LONG=1 or --long"))
        elif not LONG and (sample and item.callspec.id not in sample.args or every and order[name] % every.args[0]):
            item.add_marker(pytest.mark.skip(reason="one of many of its kind: CHECK_LONG=1 or --long"))


@pytest.fixture(scope="session")
def build_dir():
    """Where the programs are."""
    directory = os.environ.get("BUILD_DIR")
    if not directory:
        pytest.exit("BUILD_DIR is not set: BUILD_DIR=/path/to/build /usr/bin/python3 -m pytest tests/system", 2)
    return pathlib.Path(directory).resolve()


@pytest.fixture(scope="session")
def long():
    """True when every promise is to be tested in full (scripts/check --long)."""
    return LONG


@pytest.fixture(scope="session")
def stack(build_dir):
    """Everything, started; shared by all tests that leave it as they found it."""
    with Stack(build_dir) as running:
        yield running
        running.check_alive()
    assert not running.sanitizer_reports(), running.sanitizer_reports()


@pytest.fixture(scope="module")
def api(request, build_dir):
    """The API behind nginx, without mail and worker, one for each module; with the settings of its API_SETTINGS."""
    settings = getattr(request.module, "API_SETTINGS", None)
    with Stack(build_dir, mail=False, with_worker=False, api_settings=settings) as running:
        yield running
    assert not running.sanitizer_reports(), running.sanitizer_reports()


@pytest.fixture
def new_stack(build_dir):
    """new_stack(**arguments of Stack): one of its own for tests that kill or reconfigure things."""
    started = []

    def make(**arguments):
        one = Stack(build_dir, **arguments)
        started.append(one)
        return one.__enter__()
    yield make
    for one in started:
        one.stop()
    reports = [report for one in started for report in one.sanitizer_reports()]
    assert not reports, reports


@pytest.fixture
def domain():
    """A domain that no other test uses."""
    return f"d{next(_domains)}.example"


@pytest.fixture
def new_job():
    """new_job(stack, domain, people=…, messages=…): a filled source, a job, its mailboxes.
    Returns (technician's client, job, users)."""
    def make(stack, domain, people=("ana",), messages=60, seed=1, biggest=200_000, destination_port=None):
        users = [f"{person}@{domain}" for person in people]
        for user in users:
            folders = mailgen.Generator(user, seed).mailbox(messages, biggest) if messages else []
            stack.add_mail_account(user, folders)
        technician = stack.client("technician")
        servers = stack.job_servers()
        servers["destination"]["port"] = destination_port or servers["destination"]["port"]
        job = technician.create_job(domain, **servers)
        technician.add_mailboxes(job["id"], [stack.mailbox_request(user) for user in users])
        return technician, job, users
    return make
