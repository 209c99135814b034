"""A destination that readpst with imap_upload.py, or Zimbra's own import, had half filled: what is there is known again."""

import json
import os
import pathlib
import random
import re
import subprocess

import pytest

from stack import imapload, reference
from . import case as cases
from . import containers, filecase, oddities
from .containers import Mail
from .test_source_archive import export, mail, samples, tgz

pytestmark = pytest.mark.long
UPLOAD = reference.find("imap_upload.py", "MIGRATION_IMAP_UPLOAD")
READPST = reference.find("readpst", "MIGRATION_READPST_BIN")
MODULES = pathlib.Path(__file__).resolve().parents[2] / "scripts/imap_upload"
ZMMAILBOX = pathlib.Path(__file__).resolve().parents[1] / "stack/zmmailbox"
needs_upload = pytest.mark.skipif(UPLOAD is None or READPST is None,
                                  reason="imap_upload.py or readpst is not on this machine (MIGRATION_IMAP_UPLOAD)")


@pytest.fixture
def plain(case, monkeypatch):
    """The case with a password that python's LOGIN can send."""
    monkeypatch.setattr(cases, "PASSWORD", "secret")
    return renamed(case)


def renamed(case):
    case.destination.add_user(case.user_on(case.destination), cases.PASSWORD)
    case.engine = case.new_engine("plain")
    return case


def imap_upload(case, mbox, box):
    subprocess.run([UPLOAD, "--ssl", "--host", "localhost", "--port", str(case.destination.tls_port), "--user",
                    case.user_on(case.destination), "--password", cases.PASSWORD, "--box", box, mbox], check=True, timeout=300,
                   stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(MODULES),
                                                   "MIGRATION_EXTRA_CA_FILE": str(case.authority.certificate)})


def present(case):
    return sum(sum(m.values()) for m in case.read(case.destination).folders.values())


@needs_upload
def test_mbox_by_imap_upload(plain, tmp_path):
    """Half of an mbox is there by imap_upload.py, which writes 8-bit mail anew: no twin where the content is the same."""
    case = plain
    real = [d.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for d in oddities.shared_messages()
            if d and b"\0" not in d and d.isascii() and b"content-length" not in d.lower()][:60]
    mails = [Mail(d if d.endswith(b"\r\n") else d + b"\r\n", 1_400_000_000 + n) for n, d in enumerate(real)]
    mails += [mail(f"simples {n}", body=b"corpo %d\r\n" % n) for n in range(20)]
    random.Random(3).shuffle(mails)
    (tmp_path / "half.mbox").write_bytes(containers.mbox(mails[::2]))
    (tmp_path / "all.mbox").write_bytes(containers.mbox(mails))
    imap_upload(case, tmp_path / "half.mbox", "INBOX")
    there = present(case)
    run = filecase.engine(case, "mbox", tmp_path / "all.mbox").run()
    print(f"mbox: {there} there before, {run.done['messages_present']} known, {run.done['messages_copied']} copied of {len(mails)}")
    assert run.status == 0 and run.done["messages_present"] + run.done["messages_copied"] == len(mails), run
    assert present(case) == there + run.done["messages_copied"]
    assert run.done["messages_unrecognised"] == there - run.done["messages_present"] == sum(unrecognised(run).values()), run
    assert run.done["messages_present"] >= 25, run  # the simple ones, and those that it does not write anew


@needs_upload
@pytest.mark.parametrize("name", ["aspose_Outlook_1", "tika-variousBodyTypes", "tomes-sample"])
def test_pst_by_readpst(plain, tmp_path, name):
    """Half of a PST's messages came by readpst and imap_upload.py: each is known by what it holds, but for one or two that it altered."""
    case = plain
    file = next(f for f in samples("pst") if f.name.startswith(name))
    first = filecase.engine(renamed(case.sibling("alone")), "pst", file)
    alone = first.run()
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([READPST, "-q", "-D", "-r", "-j", "0", "-o", out, file], check=True, stdout=subprocess.DEVNULL, timeout=60)
    boxes = {f["folder"] for f in alone.of("folder")}
    filled = 0
    for mbox in sorted(out.rglob("mbox")):
        box = next((b for b in sorted(boxes) if b.split("/")[-1].lower() == mbox.parent.name.lower()), None)
        if box:
            imap_upload(case, mbox, box)
            filled += 1
    there = present(case)
    run = filecase.engine(case, "pst", file).run()
    print(f"{name}: {filled} folders, {there} there before, {run.done['messages_present']} known, {run.done['messages_copied']} copied")
    print("\n".join(e["message"] for e in run.of("warning")))
    assert filled and run.status == 0, run
    assert present(case) == there + run.done["messages_copied"]
    assert run.done["messages_present"] >= there - 2, run
    assert run.done["messages_unrecognised"] == there - run.done["messages_present"] == sum(unrecognised(run).values()), run


def zmmailbox(case, home, archive):
    """Zimbra's own import, as its stand-in does it (resolve=skip: of messages with the same bytes it takes one)."""
    user = case.user_on(case.destination)
    home.mkdir()
    (home / "zmmailbox.json").write_text(json.dumps({
        "host": "localhost", "port": case.destination.tls_port, "ca": str(case.authority.certificate),
        "accounts": {user: {"password": cases.PASSWORD}}}))
    subprocess.run([ZMMAILBOX, "-z", "-m", user, "-t", "0", "postRestURL", "//?fmt=tgz&resolve=skip", archive], check=True,
                   timeout=120, stdout=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "HOME": str(home)})


def test_tgz_by_zmmailbox(plain, tmp_path):
    """Half of an export had been imported by Zimbra itself, which keeps bytes: no twin, and the copies that it took for one come."""
    case = plain
    paths = {"/Inbox/": "INBOX", "/Sent/": "Sent", "/Reuniões & atas/": "Reuniões & atas"}
    tree = [([*paths][n % 3], mail(f"{n % 30}", ("\\Seen",) if n % 2 else ())) for n in range(60)]
    tree += [(path, mail("longa", ("\\Seen", "\\Flagged"), body="ação\r\n".encode() * 5000)) for path in paths]
    half, whole = tmp_path / "half.tgz", tmp_path / "whole.tgz"
    half.write_bytes(tgz(export(tree[::2])))
    whole.write_bytes(tgz(export(tree)))
    zmmailbox(case, tmp_path / "home", half)
    there = present(case)
    engine = filecase.engine(case, "tgz", whole)
    run = engine.run()
    print(f"tgz: {there} there before, {run.done['messages_present']} known, {run.done['messages_copied']} copied of {len(tree)}")
    assert 10 < there < len(tree) and run.status == 0, run
    assert run.done["messages_present"] == there and run.done["messages_unrecognised"] == 0 and not unrecognised(run), run
    filecase.check(case, {folder: [m for p, m in tree if p == path] for path, folder in paths.items()} | {"Vazia": []}, run)
    filecase.again(engine, len(tree))


def unrecognised(run):
    """The messages that were there and that the run does not know, by folder, as its warnings say."""
    return {e["folder"]: int(re.match(r"(\d+) of the (\d+) messages", e["message"])[1]) for e in run.of("warning")
            if e["code"] == "destination.unrecognised"}


def test_unrecognised_is_said(plain, tmp_path):
    """What another tool had altered comes once more; the run says how many there are and where, and verify finds as many extra."""
    case = plain
    mails = {"INBOX": [mail(f"n{n}", body=f"ação {n}\r\n".encode()) for n in range(12)],
             "Obras": [mail(f"o{n}") for n in range(4)], "Toda": [mail(f"t{n}") for n in range(3)]}
    tree = tmp_path / "mail"
    tree.mkdir()
    for name, held in mails.items():
        (tree / ("Inbox" if name == "INBOX" else name)).write_bytes(containers.mbox(held))
    loader = imapload.Loader("127.0.0.1", case.destination.tls_port, case.user_on(case.destination), cases.PASSWORD,
                             case.authority.certificate)
    lost = [Mail(m.data.decode("ascii", "replace").encode(), m.date) for m in mails["INBOX"][4:7]]  # as imap_upload.py loses bytes
    for folder, held in {"INBOX": mails["INBOX"][:4] + lost + [mail("de outra pessoa")],
                         "Obras": mails["Obras"][:1] + [Mail(b"X-Copied: 1\r\n" + m.data.replace(b"corpo", b"outro"), m.date)
                                                        for m in mails["Obras"][1:3]],
                         "Toda": mails["Toda"] + [mail("só lá")]}.items():
        if folder != "INBOX":
            loader.create(folder, True)
        loader.append(folder, [(m.data, " 5-May-2015 05:05:05 +0000", m.flags) for m in held])
    loader.close()
    engine = filecase.engine(case, "mbox", tree)
    run = engine.run()
    assert run.status == 0 and run.done["messages_present"] == 8 and run.done["messages_copied"] == 11, run
    assert unrecognised(run) == {"INBOX": 4, "Obras": 2}, run  # of Toda nothing was copied: nothing is there twice
    assert run.done["messages_unrecognised"] == 6 and "4 of the 8 messages that were there already" in run.stderr, run
    verify = engine.run(command="verify")
    assert verify.status == 0 and {e["folder"]: e["extra"] for e in verify.of("verify_folder")} == {
        "INBOX": 4, "Obras": 2, "Toda": 1}, verify
    again = filecase.again(engine, 19)
    assert again.done["messages_unrecognised"] == 0 and not unrecognised(again), again
