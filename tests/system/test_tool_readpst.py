"""PST and mbox files by readpst and imap_upload.py into a real Dovecot: what arrives, and what is said of what does not."""

import os
import subprocess
import zipfile

import pytest

from stack import files, imapcheck, reference
from stack.watching import ProcWatch

UPLOAD = reference.find("imap_upload.py", "MIGRATION_IMAP_UPLOAD")
READPST = reference.find("readpst", "MIGRATION_READPST_BIN")
pytestmark = pytest.mark.skipif(UPLOAD is None or READPST is None,
                                reason="imap_upload.py or readpst is not on this machine (MIGRATION_IMAP_UPLOAD)")
CLEAN = {  # mails in each, as SOURCES.md counts them
    "aspose_Outlook_1.pst": 14, "aspose_Outlook.pst": 14, "aspose_PersonalStorage_New_empty.pst": 0,
    "aspose_SampleContacts.pst": 0, "aspose_sample.pst": 1, "java-libpst_dist-list.pst": 0,
    "java-libpst_passworded.pst": 0, "tika-testPST.pst": 7, "tika-variousBodyTypes.pst": 4, "tomes-sample.pst": 3,
    "damaged_truncated-90pct-harmless_aspose_Outlook_1.pst": 14,
}
PARTIAL = {
    "damaged_silent-1-of-4-lost_zero8k@0xe000_tika-variousBodyTypes.pst": (3, "could not read 1"),
    "damaged_bitflips400_aspose_Outlook_1.pst": (14, "crashed"),
    "evil_dotdot-folder_tika-variousBodyTypes.pst": (4, '".."'),
}
FAILED = ["aspose_AddingBulk_noroot.pst", "damaged_badmagic.pst", "damaged_empty.pst", "damaged_random-64k.pst",
          "damaged_truncated-half_aspose_Outlook_1.pst", "damaged_unknown-version-0x63.pst"]
MBOX = {  # lines that begin a message, as SOURCES.md counts them
    "FreeEed_readpst_Sent.mbox": 20, "aspose_ExampleMbox.mbox": 1, "mimekit_simple.mbox": 3, "tika_complex.mbox": 3,
    "tika_headers.mbox": 1, "tika_multiline.mbox": 1, "tika_multiline2.mbox": 1, "tika_quoted.mbox": 1, "tika_simple.mbox": 2,
    "tika_single_mail.mbox": 1, "tika_testMBOX_lengthy_x-headers.mbox": 1,
}
QUICK = {"damaged_badmagic.pst"}  # imap_upload.py takes seconds to start: whatever calls it is long


@pytest.fixture(scope="module")
def stack(build_dir):
    """One system whose worker has both tools, installed as the administrator installs them."""
    from stack.stack import Stack
    with Stack(build_dir, with_worker=False) as one:
        prefix = one.paths.top / "tools"
        total = subprocess.run(["sha256sum", UPLOAD], capture_output=True, text=True, check=True).stdout.split()[0]
        installer = os.path.join(os.path.dirname(__file__), "../../scripts/install-migration-tools.sh")
        subprocess.run([installer, "--prefix", prefix, "--imap-upload", UPLOAD, "--sha256", total], check=True,
                       capture_output=True, umask=0o022)
        prefix.chmod(0o755)
        one.worker = one.add_worker("pst-1", {"MIGRATION_READPST_BIN": READPST,
                                              "MIGRATION_IMAP_UPLOAD": prefix / "bin/imap_upload.py"})
        one.worker.start()
        yield one
        one.worker.process.check_alive()
    assert not one.sanitizer_reports(), one.sanitizer_reports()


def prepare(stack, path, kind, user, **fields):
    """(client, job) that moves this file to this user's new mailbox."""
    stack.destination.add_user(user, "S3cret of \\ \"the\" $destination")
    technician = stack.client("technician")
    server = {"host": "127.0.0.1", "port": stack.destination.tls_port, "tls": "tls"}
    job = technician.create_job(user.split("@")[1], engine="reference", source={"kind": kind}, destination=server)
    technician.add_mailboxes(job["id"], [{
        "source": {"kind": kind, "upload_id": files.upload(stack, path, kind)},
        "destination": {"user": user, "secret": stack.destination.users[user]}, **fields}])
    return technician, job


def arrived(stack, user):
    """How many messages the destination holds, by folder."""
    folders = imapcheck.read(stack.account(stack.destination, user)).folders
    return {"/".join(name) if isinstance(name, tuple) else name: sum(content.values())
            for name, content in folders.items() if content}


def every(*tables):
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for table in tables for name in table]


@pytest.mark.parametrize("name", every(CLEAN, PARTIAL, FAILED))
def test_samples(stack, name):
    found = files.samples("pst", name)
    if not found:
        pytest.skip("the shared samples are not on this machine (DESK_SHARED_DATA)")
    user = f"ana@p{abs(hash(name)) % 10**8}.example"
    technician, job = prepare(stack, found[0], "pst", user)
    watch = ProcWatch(stack.worker.pid, [stack.destination.users[user]])
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    watch.stop()
    there = arrived(stack, user)
    if name in CLEAN:
        assert run["status"] == "succeeded", (run["code"], run["message"])
        assert sum(there.values()) == CLEAN[name] == run["result"]["messages_copied"]
        again = technician.do(job["id"], "sync", pass_="delta")[0]
        assert (again["status"], again["result"]["messages_copied"]) == ("succeeded", 0)
        assert arrived(stack, user) == there
    elif name in PARTIAL:
        count, words = PARTIAL[name]
        assert (run["status"], run["code"]) == ("partial", "source.damaged"), run["message"]
        assert words in run["message"]
        assert sum(there.values()) == count, there
    else:
        assert (run["status"], run["code"]) == ("failed", "source.damaged"), run["message"]
        assert not there
    assert "imap_upload.py" in watch.programs or not there


@pytest.mark.long
@pytest.mark.parametrize("name", MBOX)
def test_mbox_samples(stack, name):
    found = files.samples("mbox", name)
    if not found:
        pytest.skip("the shared samples are not on this machine (DESK_SHARED_DATA)")
    user = f"ana@m{abs(hash(name)) % 10**8}.example"
    technician, job = prepare(stack, found[0], "mbox", user)
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    there = arrived(stack, user)
    assert run["status"] == "succeeded", (run["code"], run["message"])
    assert there == {"INBOX": MBOX[name]} and run["result"]["messages_copied"] == MBOX[name]
    again = technician.do(job["id"], "sync", pass_="delta")[0]
    assert (again["status"], again["result"]["messages_copied"]) == ("succeeded", 0) and arrived(stack, user) == there


def test_every_sample_is_here():
    """No shared sample of the kinds that a reference tool reads is left out."""
    for kind, tables in (("pst", (CLEAN, PARTIAL, FAILED)), ("mbox", (MBOX,))):
        names = {path.name for path in files.samples(kind)}
        if names:
            assert names == {name for table in tables for name in table}


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mail/1.eml", "From: a@b.example\r\nSubject: x\r\n\r\nbody\r\n")
    return path


@pytest.mark.long
@pytest.mark.parametrize("make", [zipped], ids=["zip"])
def test_no_reference_way(stack, tmp_path, make):
    """What no reference tool reads is refused by name; it is never taken for a file without mail."""
    technician, job = prepare(stack, make(tmp_path / "mail.zip"), "mbox", "rui@zip.example")
    for kind in ("preflight", "sync"):
        run = technician.do(job["id"], kind, **({"pass_": "initial"} if kind == "sync" else {}))[0]
        assert (run["status"], run["code"]) == ("failed", "unsupported"), (kind, run["code"], run["message"])


def mbox(path, count, size=200):
    """An mbox of the project's own."""
    with open(path, "wb") as file:
        for number in range(count):
            lines = (b"x" * 70 + b"\n") * (size // 70)
            file.write(b"From rui@a.example Thu Jan  2 10:00:%02d 2020\nFrom: rui@a.example\nSubject: n%d\n"
                       b"Message-ID: <%d@a.example>\n\n>From here\n%s\n" % (number % 60, number, number, lines))
    return path


@pytest.mark.long
def test_preflight_and_folder_map(stack, tmp_path):
    """An mbox of the project's own goes where the folder map says, after a preflight that has logged in."""
    stack.destination.add_user("eva@q.example", "x")
    technician, job = prepare(stack, mbox(tmp_path / "a.mbox", 7), "mbox", "eva@q.example",
                              folders={"map": {"INBOX": "Old mail"}})
    run = technician.do(job["id"], "preflight")[0]
    assert run["status"] == "succeeded", (run["code"], run["message"])
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    assert run["status"] == "succeeded", (run["code"], run["message"])
    assert arrived(stack, "eva@q.example") == {"Old mail": 7}


@pytest.mark.long
def test_wrong_password(stack, tmp_path):
    technician, job = prepare(stack, mbox(tmp_path / "a.mbox", 2), "mbox", "ivo@wrong.example")
    box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]
    etag = technician.request("GET", f"/mailboxes/{box['id']}").etag
    technician.patch(f"/mailboxes/{box['id']}", {"destination": {"secret": "wrong"}}, etag)
    run = technician.do(job["id"], "preflight")[0]
    assert (run["status"], run["code"]) == ("failed", "auth.rejected"), run["message"]


def limited(new_stack, name, destination):
    """A system of its own whose destination has limits."""
    small = new_stack(with_worker=False, destination=destination)
    prefix = small.paths.top / "tools"
    total = subprocess.run(["sha256sum", UPLOAD], capture_output=True, text=True, check=True).stdout.split()[0]
    installer = os.path.join(os.path.dirname(__file__), "../../scripts/install-migration-tools.sh")
    subprocess.run([installer, "--prefix", prefix, "--imap-upload", UPLOAD, "--sha256", total], check=True,
                   capture_output=True, umask=0o022)
    prefix.chmod(0o755)
    small.worker = small.add_worker(name, {"MIGRATION_IMAP_UPLOAD": prefix / "bin/imap_upload.py"})
    small.worker.start()
    return small


@pytest.mark.long
def test_quota(tmp_path, new_stack):
    """What does not fit is told by preflight, and by a pass before its first byte; what still fits is moved."""
    small = limited(new_stack, "pst-3", {"quota": "30K"})
    technician, job = prepare(small, mbox(tmp_path / "a.mbox", 6, 9_000), "mbox", "eva@full.example")
    run = technician.do(job["id"], "preflight")[0]
    assert (run["status"], run["code"]) == ("failed", "quota.exceeded"), run["message"]
    quota, = (check for check in run["result"]["checks"] if check["name"] == "quota")
    assert (quota["side"], quota["ok"], quota["quota_limit"]) == ("destination", False, 30 << 10)
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    assert (run["status"], run["code"]) == ("failed", "quota.exceeded") and "30720" in run["message"], run["message"]
    assert not arrived(small, "eva@full.example")
    technician, job = prepare(small, mbox(tmp_path / "b.mbox", 2, 9_000), "mbox", "ivo@fits.example")
    for kind in ("preflight", "sync"):
        run = technician.do(job["id"], kind, **({"pass_": "initial"} if kind == "sync" else {}))[0]
        assert run["status"] == "succeeded", (run["code"], run["message"])
    assert arrived(small, "ivo@fits.example") == {"INBOX": 2}


@pytest.mark.long
def test_quarantine(tmp_path, new_stack):
    """What the server refuses is kept as .eml with its words; a second pass adds nothing twice."""
    small = limited(new_stack, "pst-2", {"quota": "1G", "more": "\nplugin {\n  quota_max_mail_size = 12k\n}\n"})
    source = mbox(tmp_path / "a.mbox", 3, 9_000)
    source.write_bytes(source.read_bytes() + mbox(tmp_path / "b.mbox", 3, 15_000).read_bytes())
    technician, job = prepare(small, source, "mbox", "eva@full.example")
    run = technician.do(job["id"], "sync", pass_="initial")[0]
    there = sum(arrived(small, "eva@full.example").values())
    assert run["status"] == "partial" and there == 3, (run["code"], run["message"])
    assert run["result"]["refused"] == 6 - there
    kept = list((small.paths.data / "artefacts").rglob("*.eml"))
    assert len(kept) == 6 - there
    for path in kept:
        data = path.read_bytes()
        assert data.startswith(b"From: rui@a.example") and b"\nFrom here\n" in data
    again = technician.do(job["id"], "sync", pass_="delta")[0]
    assert again["result"]["messages_copied"] == 0
    assert sum(arrived(small, "eva@full.example").values()) == there
