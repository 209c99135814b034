"""What each tool of the reference engine can do wrong, one table: the run ends with the right code, nothing is left behind,
and no success is believed that was not said in full."""

import shutil

import pytest

from faking import FAKE, SECRETS, SERVER, Fake
from stack import files, wait
from stack.client import FINISHED
from test_worker_tools import result

REFERENCE = FAKE.with_name("fake_reference.py")
TOOLS = {"imapsync": "imap", "readpst": "pst", "imap_upload.py": "mbox", "ssh": "tgz"}  # and the source that it serves
FINE = ("succeeded", "", "")
GARBAGE = ("failed", "source.damaged", "nothing was imported")
# how it behaves: {tool: (status, code, words)}; "": every tool that is not named
TABLE = {
    "steady": {"": FINE, "ssh": GARBAGE},
    "flood": {"": FINE, "ssh": GARBAGE},
    "longline": {"": FINE, "ssh": GARBAGE},
    "grandchild": {"": FINE, "ssh": GARBAGE},
    "daemon": {"": FINE, "ssh": GARBAGE},
    "killed": {"": ("failed", "tool.failed", "signal 9"), "readpst": ("failed", "source.damaged", "crashed (Killed)")},
    "memory": {"": ("failed", "tool.failed", "status 1"), "readpst": ("failed", "source.damaged", "status 1")},
    "liar": {"imapsync": ("failed", "tool.failed", "no last word"), "readpst": ("failed", "source.damaged", "everything went wrong"),
             "imap_upload.py": ("failed", "tool.failed", "status 0"), "ssh": GARBAGE},
    "silent": {"": ("failed", "tool.failed", "status 3"), "readpst": ("failed", "source.damaged", "status 3")},
    "usage": {"": ("failed", "tool.failed", "another version?"), "ssh": ("failed", "tool.failed", "unknown command")},
}
ROWS = [pytest.param(tool, what, marks=pytest.mark.release if what == "memory" else ())
        for tool in TOOLS for what in TABLE]
pytestmark = pytest.mark.long


def place(fake, folder, only=TOOLS):
    """The stand-ins under the tools' names, in a folder of their own."""
    folder = fake.paths.top / folder
    folder.mkdir(mode=0o755)
    for tool in only:
        shutil.copy(REFERENCE, folder / tool)
        (folder / tool).chmod(0o755)
    (folder / "sitecustomize.py").write_text("")  # which the installer puts beside imap_upload.py
    known = folder / "known_hosts"
    known.write_text("")
    known.chmod(0o644)
    return {"MIGRATION_TOOLS_PATH": folder, "MIGRATION_MAILMOVER_BIN": "/bin/true", "MIGRATION_CARBONIO_SSH": "zextras@127.0.0.1:22",
            "MIGRATION_SSH_KNOWN_HOSTS": known}


def mailbox(fake, tool, what):
    """The body that adds one whose run meets this tool, behaving so."""
    user = f"{what}@{tool.split('.')[0].replace('_', '-')}.example"
    kind = TOOLS[tool]
    destination = {"user": user if kind != "pst" else "steady@a.example", "secret": SECRETS["destination"].replace("ç", "c")}
    if kind == "imap":
        source = {"user": user, "secret": SECRETS["source"]}
    elif kind == "tgz":
        source = {"host": "zimbra@127.0.0.1", "port": 22, "user": user}
    else:
        path = fake.paths.top / f"{tool}-{what}"
        path.write_text(f"From rui@a.example Thu Jan  2 10:00:00 2020\nSubject: n\n\nbehaves:{what}\n")
        source = {"upload_id": files.upload(fake, path, kind)}
    return {"source": {"kind": kind, **source}, "destination": destination}


def jobs(fake, name, behaviours):
    """A job a tool; {(tool, what): mailbox}, and the client."""
    client = fake.client("technician")
    boxes, made = {}, {}
    for tool, kind in TOOLS.items():
        source = {"kind": kind, **(SERVER if kind == "imap" else {})}
        made[tool] = client.create_job(f"{tool.split('.')[0].replace('_', '-')}-{name}.example", engine="reference", source=source,
                                       destination=SERVER)
        for what in behaviours:  # one account of a destination a run: those of readpst would meet there
            body = mailbox(fake, tool, what)
            body["destination"]["user"] = body["destination"]["user"].replace("steady@", f"steady@{what}.")
            boxes[tool, what] = client.add_mailboxes(made[tool]["id"], [body])[0]
    return client, made, boxes


@pytest.fixture(scope="module")
def fake(build_dir):
    with Fake(build_dir, {"MIGRATION_RUN_ATTEMPTS": 1}) as stack:
        stack.worker = stack.fake_worker("faults-1", **place(stack, "tools"))
        stack.worker.start()
        yield stack
        stack.check_alive()
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


@pytest.fixture(scope="module")
def runs(fake):
    """Every row of the table at once: {(tool, what): run}."""
    client, made, boxes = jobs(fake, "faults", TABLE)
    by_mailbox = {}
    for job in made.values():
        by_mailbox |= {run["mailbox_id"]: run for run in client.start(job["id"], "sync", pass_="initial")}
    return {key: by_mailbox[box["id"]] for key, box in boxes.items()}


@pytest.mark.parametrize("tool,what", ROWS)
def test_row(fake, runs, tool, what):
    run = runs[tool, what]
    fake.ended(run, 180)
    status, code, words = TABLE[what].get(tool) or TABLE[what][""]
    got = result(fake, run)
    assert got[:2] == (status, code) and words in got[2], got
    log = fake.client("technician").request("GET", f"/runs/{run['id']}/log").text
    assert len(log) < 1_500_000 and not any(secret in log for secret in SECRETS.values())
    if what == "flood":
        assert "line 0:" in log and "bytes dropped here" in log


def test_nothing_is_left(fake, runs):
    """No process of any of them, and nothing in the worker's hands."""
    for run in runs.values():
        fake.ended(run, 180)
    wait.until(lambda: not fake.names("running") and not fake.names("work"), "the spool to be empty", 30)
    assert not fake.tools(fake.worker)


@pytest.mark.parametrize("how", ["cancel", "deadline"])
def test_one_that_hangs(fake, how):
    """It does not even hear SIGTERM: it is ended, by a word or by its deadline."""
    client, made, boxes = jobs(fake, how, ["hang"])
    started = []
    if how == "cancel":
        for job in made.values():
            started += client.start(job["id"], "sync", pass_="initial")
    else:
        for (tool, _), box in boxes.items():
            fake.drop(f"late-{tool}.json", {"version": 1, "job_id": made[tool]["id"], "mailbox_id": box["id"], "kind": "sync",
                                            "pass": "initial", "engine": "reference", "options": {"deadline_seconds": 2}})
        for job in made.values():
            started += wait.until(lambda job=job: client.runs(job["id"]), "the run to be adopted", 60)
    if how == "cancel":
        for run in started:
            wait.until(lambda run=run: "hangs" in client.request("GET", f"/runs/{run['id']}/log").text or any(
                f"run {run['id']}: " in line and "started" in line for line in fake.log(fake.worker).splitlines()),
                       "the tool to start", 60)
            client.post(f"/runs/{run['id']}/cancel")
    for run in started:
        fake.ended(run, 90)
        assert result(fake, run)[:2] == (("cancelled", "run.cancelled") if how == "cancel" else ("failed", "run.deadline"))
    wait.until(lambda: not fake.tools(fake.worker), "the tools to be gone", 30)


def test_denied_networks(fake):
    """No tool is started towards a host in MIGRATION_DENY_NETWORKS; the engine native does not connect either."""
    fake.worker.stop()
    wall = {"MIGRATION_DENY_NETWORKS": "10.0.0.0/8,127.0.0.0/8,::1"}
    real = {"MIGRATION_MAILMOVER_BIN": fake.programs / "mailmover"}
    walled = fake.fake_worker("faults-3", **{**place(fake, "walled"), **wall, **real})
    walled.start()
    try:
        client, made, _ = jobs(fake, "denied", ["flood"])
        native = client.create_job("denied-native.example", source={"kind": "imap", **SERVER}, destination=SERVER)
        client.add_mailboxes(native["id"], [{side: {"user": "a@denied.example", "secret": "x"} for side in ("source", "destination")}])
        for job in [*made.values(), native]:
            run, = client.wait_runs(client.start(job["id"], "preflight"))
            assert (run["status"], run["code"]) == ("failed", "host.denied") and "127.0.0.1" in run["message"], run
            assert "line 0:" not in client.request("GET", f"/runs/{run['id']}/log").text
    finally:
        walled.stop()
        fake.worker.start()


def test_missing(fake):
    """Told at preflight, with what to install."""
    fake.worker.stop()
    lost = fake.fake_worker("faults-2", **place(fake, "no-tools", only=()))
    lost.start()
    try:
        client, made, _ = jobs(fake, "missing", ["steady"])
        for tool, job in made.items():
            run, = client.wait_runs(client.start(job["id"], "preflight"))
            assert (run["status"], run["code"]) == ("failed", "tool.missing") and tool.split(".")[0] in run["message"], run
            assert run["status"] in FINISHED
    finally:
        lost.stop()
        fake.worker.start()
