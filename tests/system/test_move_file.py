"""A file's whole path: sent by tus, named by a mailbox, moved by the native engine, verified, judged by imapcheck."""

import gzip
import io
import json
import tarfile
import zipfile

import pytest

from engine import containers, pstfile
from engine.containers import Mail
from stack import imapcheck
from stack.stack import Stack
from tusing import Tus

pytestmark = pytest.mark.long
DATE = containers.seconds("2015-05-05 05:05:05")
SECRET = "S3cret of \\ \"the\" $destination"


@pytest.fixture(scope="module")
def stack(build_dir):
    with Stack(build_dir) as one:
        yield one
    assert not one.sanitizer_reports(), one.sanitizer_reports()


def mails(count, start=0):
    return [Mail(b"From: bob@b.example\r\nDate: Tue, 5 May 2015 05:05:05 +0000\r\nSubject: n%d\r\nMessage-ID: <%d@b.example>\r\n\r\n"
                 % (n, n) + b"corpo %d\r\n" % n * 900, DATE, ("\\Seen",)) for n in range(start, start + count)]


def mbox():
    return containers.mbox([containers.with_status(m) for m in mails(40)]), {"INBOX": 40}


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for folder, count in (("", 25), ("Projetos/Ação/", 15)):
            for n, m in enumerate(mails(count, 100 * len(folder))):
                packed.writestr(f"{folder}{n}.eml", m.data)
    return out.getvalue(), {"INBOX": 25, "Projetos/Ação": 15}


def tgz():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for n, m in enumerate(mails(40)):
            path = "/Inbox/" if n % 2 else "/Clientes: já/"
            meta = json.dumps({"type": 5, "id": n + 300, "Path": path, "date": DATE, "size": len(m.data), "FlagStr": "", "flags": 0})
            for name, data in (("Inbox/assunto.eml.meta", meta.encode()), ("Inbox/assunto.eml", m.data)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue()), {"INBOX": 20, "Clientes: já": 20}


def pst(directory):
    with pstfile.Writer(directory / "x.pst") as out:
        for name, count in (("Inbox", 25), ("Itens enviados", 15)):
            folder = out.folder(name)
            for m in mails(count, len(name) * 100):
                head, _, body = m.data.partition(b"\r\n\r\n")
                out.message(folder, head.decode() + "\r\n", body)
    return (directory / "x.pst").read_bytes(), {"INBOX": 25, "Itens enviados": 15}


@pytest.mark.parametrize("kind", ["pst", "mbox", "zip", "tgz"])
def test_from_upload_to_gate(stack, tmp_path, kind):
    data, held = pst(tmp_path) if kind == "pst" else {"mbox": mbox, "zip": zipped, "tgz": tgz}[kind]()
    domain = f"{kind}.file.example"
    user, technician = f"ana@{domain}", stack.client("technician")
    stack.destination.add_user(user, SECRET)
    tus = Tus(technician)
    path = tus.new(len(data), name=f"Correio da Ana.{kind}")
    for at in range(0, len(data), 50_000):
        assert tus.patch(path, at, data[at:at + 50_000]).status == 204
    upload = technician.get(path)
    assert (upload["status"], upload["kind"]) == ("complete", kind)
    box = {"zip": "mbox"}.get(kind, kind)  # a zip of messages is a mailbox of files like an mbox
    job = technician.create_job(domain, engine="native", source={"kind": box}, destination={
        "host": "127.0.0.1", "port": stack.destination.tls_port, "tls": "tls"})
    technician.add_mailboxes(job["id"], [{"source": {"kind": box, "upload_id": upload["id"]},
                                          "destination": {"user": user, "secret": SECRET}}])
    for run in (("preflight", {}), ("sync", {"pass_": "initial"}), ("sync", {"pass_": "final"}), ("verify", {})):
        runs = technician.do(job["id"], run[0], **run[1])
        assert [r["status"] for r in runs] == ["succeeded"], (run, runs[0]["code"], runs[0]["message"])
    got = {name: sum(found.values()) for name, found in imapcheck.read(stack.account(stack.destination, user)).folders.items()}
    assert {name: n for name, n in got.items() if n} == held
    document, _ = technician.verification(job["id"])
    proof = document["mailboxes"][0]["verification"]
    assert proof["complete"] and proof["missing"] == 0 and proof["found"] == proof["expected"] == sum(held.values())
    last = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]["state"]["last_pass"]
    assert last["copied"] == 0 and last["present"] == sum(held.values())  # the final pass found all there
    assert stack.client("lead").approve(job["id"])["verdict"] == "ready_for_dns"
