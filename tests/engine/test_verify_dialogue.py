"""mailmover verify against servers that follow tests/imapd/scripts, each side in turn: whatever a server says,
the numbers add up, nothing is found that is not there, no miss goes unnamed, and it ends."""

import concurrent.futures
import pathlib

import pytest

from imapd import script
from imapd.server import Server
from imapd.store import Store
from . import mailmover
from .test_dialogue import PASSWORD, USER, _fill

# what scripts about APPEND do never happens here; TLS and log-in are the same connection code for every command
WANTED = ("fetch-", "examine-", "list-", "status-", "literal", "search-", "throttl", "untagged", "namespace", "bye",
          "folder-", "connections", "huge", "alert", "capability", "bytewise", "stray", "continuation")
SCRIPTS = [file for file in sorted((pathlib.Path(__file__).parent.parent / "imapd/scripts").glob("*.txt"))
           if file.stem.startswith(WANTED) and "destination" not in file.stem]


def parse(file):
    return script.parse(file.read_text("utf-8"), file.name)


SCRIPTS = [file for file in SCRIPTS if parse(file).tls == "none" and not parse(file).slow and
           parse(file).server == "source"]


def play(file, side, mode, program, directory):
    rules = parse(file)
    stores = {"source": Store(), "destination": Store()}
    for account in stores.values():
        _fill(account, rules)
    servers = {name: Server(account, {USER: PASSWORD}, rules if name == side else None, None)
               for name, account in stores.items()}
    try:
        ends = [mailmover.Endpoint(servers[name].port, USER, PASSWORD, "imap", True)
                for name in ("source", "destination")]
        engine = mailmover.Engine(program, directory, *ends)
        return stores, engine.run(*mode, command="verify", timeout=120)
    finally:
        for server in servers.values():
            server.stop()


@pytest.fixture(scope="module")
def outcomes(program, place, long):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        yield {(file, side, deep): pool.submit(
            play, file, side, ["--deep"] if deep else [], program, place / f"verify-{side}-{deep}-{file.stem}")
            for file in SCRIPTS for side in ("source", "destination") for deep in ((True, False) if long else (True,))}
        pool.shutdown(cancel_futures=True)


@pytest.mark.every(2)
@pytest.mark.parametrize("deep", [pytest.param(True, id="deep"), pytest.param(False, id="quick", marks=pytest.mark.long)])
@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("file", SCRIPTS, ids=lambda f: f.stem)
def test_numbers_add_up(file, side, deep, outcomes):
    _, run = outcomes[file, side, deep].result()
    done = run.done
    assert run.events and run.events[-1]["t"] == "done" and done["exit"] == run.status, run
    assert run.status in (0, 1) or run.status >= 64, run
    assert PASSWORD not in run.stderr + str(run.events)
    if run.status >= 64:
        assert done["code"] and not done["complete"], run
        return
    folders = run.of("verify_folder")
    for name in ("expected", "found", "found_weak", "missing", "late", "excluded", "differing"):
        assert sum(f[name] for f in folders) == done[name], (name, run)
    for row in folders:
        if row["complete"]:
            assert row["found"] + row["found_weak"] + row["missing"] == row["expected"], row
            assert row["found"] == row["exact"] + row["canonical"] + row["decoded"] + row["summary"], row
    assert len(run.of("missing")) == done["missing"], run
    assert all(e["class"] for e in run.of("missing"))
    proved = done["complete"] and not done["missing"] and not done["found_weak"] and not any(
        f["folder_missing"] for f in folders)
    assert (run.status == 0) == proved, run


# script -> (side, status, {done's numbers}) where the outcome is certain
CERTAIN = {
    "fetch-body-nil": ("source", 1, {"missing": 1}),  # it never comes
    "fetch-no-at-end": ("source", 0, {"missing": 0}),
    "fetch-drop": ("source", 0, {"missing": 0}),
    "fetch-unsolicited-flags": ("source", 0, {"missing": 0}),
    "bytewise": ("source", 0, {"missing": 0}),
}


@pytest.mark.parametrize("name", CERTAIN)
def test_certain_outcomes(name, outcomes):
    file = next((f for f in SCRIPTS if f.stem == name), None)
    assert file is not None
    side, status, numbers = CERTAIN[name]
    _, run = outcomes[file, side, True].result()
    assert run.status == status, run
    assert {key: run.done[key] for key in numbers} == numbers, run
