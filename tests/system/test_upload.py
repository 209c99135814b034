"""tus 1.0, judged from outside: what is acknowledged is there, what is not is not, and nothing wrong gets in."""

import gzip
import hashlib
import io
import os
import random
import sqlite3
import tarfile
import zipfile

import pytest

from stack import wait
from tusing import BYTES, Tus, VERSION, on_disk, sum_of

API_SETTINGS = {"MIGRATION_DISK_RESERVE_MB": "1", "MIGRATION_MAX_PST_GB": "8"}
PST = b"!BDN" + bytes(4) + b"SM\x17\0" + bytes(512)
MEGA = 1 << 20


@pytest.fixture
def tus(api):
    return Tus(api.bearer("technician"))


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def test_what_it_speaks(api, tus):
    answer = api.client().request("OPTIONS", "/uploads")
    assert answer.status == 204 and answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) >= {"creation", "checksum", "termination", "expiration"}
    assert {"sha1", "sha256"} <= set(answer.headers["Tus-Checksum-Algorithm"].split(","))
    assert answer.headers["Tus-Max-Size"] == str(8 << 30)
    for version in (None, "0.2.2"):
        headers = {"Upload-Length": "5"} | ({"Tus-Resumable": version} if version else {})
        answer = tus.client.request("POST", "/uploads", headers=headers)
        assert answer.status == 412 and answer.headers["Tus-Version"] == "1.0.0" and answer.json["code"] == "upload.version"


def test_in_parts(api, tus):
    data = PST + noise(3 * MEGA)
    path = tus.new(len(data), name="Maria João.pst")
    assert tus.offset(path) == 0 and tus.head(path).headers["Upload-Length"] == str(len(data))
    at = 0
    for size in (1, 63, 64, 65, 100_000, MEGA, len(data)):
        part = data[at:at + size]
        answer = tus.patch(path, at, part)
        at += len(part)
        assert answer.status == 204 and answer.headers["Upload-Offset"] == str(at)
        assert tus.offset(path) == at and answer.headers.get("Upload-Expires") is not None or at == len(data)
    seen = tus.client.get(path)
    assert (seen["status"], seen["kind"], seen["name"]) == ("complete", "pst", "Maria João.pst")
    assert seen["sha256"] == hashlib.sha256(data).hexdigest()
    assert on_disk(api, path).read_bytes() == data
    assert tus.patch(path, at, b"").status == 204 and tus.patch(path, at, b"x").status == 413
    assert seen in tus.client.get("/uploads?limit=500")["items"]
    if os.geteuid() == 0:
        assert on_disk(api, path).stat().st_mode & 0o777 == 0o640


def test_creation_brings_bytes_along(tus):
    data = PST + noise(1000)
    answer = tus.create(len(data), body=data[:700])
    assert answer.status == 201 and answer.headers["Upload-Offset"] == "700"
    path = "/uploads/" + answer.json["token"]
    assert tus.patch(path, 700, data[700:]).status == 204
    assert tus.client.get(path)["sha256"] == hashlib.sha256(data).hexdigest()
    whole = tus.create(len(data), body=data, headers={"Upload-Checksum": sum_of("sha256", data)})
    assert whole.json["status"] == "complete"
    wrong = tus.create(len(data), body=data, headers={"Upload-Checksum": sum_of("sha256", b"x")})
    assert wrong.status == 201 and wrong.headers["Upload-Offset"] == "0"


def test_another_method_by_header(tus):
    path = tus.new(4)
    answer = tus.client.request("POST", path, b"abcd", {**VERSION, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
                                content_type=BYTES)
    assert answer.status == 204 and tus.offset(path) == 4


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5"])
def test_checksum(tus, algorithm):
    data = noise(200_000)
    path = tus.new(len(data))
    answer = tus.patch(path, 0, data, Upload_Checksum=sum_of(algorithm, data[:-1]))
    assert answer.status == 460 and answer.json["code"] == "upload.checksum" and answer.headers["Upload-Offset"] == "0"
    assert tus.offset(path) == 0
    assert tus.patch(path, 0, data[:1000], Upload_Checksum=sum_of(algorithm, data[:1000])).status == 204
    assert tus.patch(path, 1000, data[1000:], Upload_Checksum=sum_of(algorithm, data)).status == 460
    assert tus.offset(path) == 1000
    assert tus.patch(path, 1000, data[1000:], Upload_Checksum=sum_of(algorithm, data[1000:])).status == 204
    assert tus.client.get(path)["sha256"] == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("value", ["crc32 AAAA", "sha1", "sha1 !!!", "sha1 AAAA", "SHA1"])
def test_checksum_of_no_form(tus, value):
    path = tus.new(3)
    answer = tus.patch(path, 0, b"abc", Upload_Checksum=value)
    assert answer.status == 422 and tus.offset(path) == 0


def test_lies_about_lengths(api, tus):
    """More than announced: nothing of it is kept. Less: it is not whole, and no mailbox takes it."""
    path = tus.new(1000)
    assert tus.patch(path, 0, noise(1001)).status == 413 and tus.offset(path) == 0
    line = tus.line(path, 0, 1000)
    line.send(noise(400))
    wait.until(lambda: on_disk(api, path).stat().st_size == 400, "the bytes that came")
    line.close()  # the line breaks: what came is kept
    wait.until(lambda: tus.offset(path) == 400, "the bytes that came")
    assert tus.client.get(path)["status"] == "receiving"
    assert tus.patch(path, 300, b"x").status == 409
    answer = tus.patch(path, 401, b"x")
    assert (answer.status, answer.json["code"], answer.headers["Upload-Offset"]) == (409, "upload.offset", "400")
    for length in ("-1", "x", "", str(1 << 62)):
        answer = tus.client.request("POST", "/uploads", headers={**VERSION, "Upload-Length": length})
        assert answer.status == 422, (length, answer.text)
    assert tus.create((8 << 30) + 1).status == 413
    assert tus.client.request("POST", "/uploads", headers={**VERSION, "Upload-Defer-Length": "1"}).status == 422
    for offset in ("x", "-1", str(1 << 63)):
        assert tus.client.request("PATCH", path, b"x", {**VERSION, "Upload-Offset": offset}, content_type=BYTES).status == 422
    assert tus.client.request("PATCH", path, b"x", {**VERSION, "Upload-Offset": "400"}).status == 415


def test_names_never_become_paths(api, tus):
    before = {p.name for p in api.paths.data.iterdir()}
    for name, shown in (("../../etc/passwd", "passwd"), ("C:\\mail\\a.pst", "a.pst"), ("a\0b\n.pst", "upload"), ("", "upload"),
                        ("/", "upload"), ("x" * 3000, "x" * 255), ("á" * 200, "á" * 127)):
        answer = tus.create(1, name=name)
        assert answer.status == 201 and answer.json["name"] == shown, (name, answer.text)
        assert len(answer.json["token"]) == 32
    assert {p.name for p in api.paths.data.iterdir()} == before
    for token in ("..", "%2e%2e%2fmigration.db", "0" * 32, "0" * 31, "A" * 32):
        for method in ("HEAD", "GET", "DELETE"):
            assert tus.client.request(method, f"/uploads/{token}", headers=VERSION).status == 404
    for text in ("filename !!!", "filename YQ==,filename YQ==", ", ,"):
        assert tus.client.request("POST", "/uploads", headers={**VERSION, "Upload-Length": "1", "Upload-Metadata": text}).status == 422


def test_termination(api, tus):
    path = tus.new(5)
    tus.patch(path, 0, b"ab")
    assert on_disk(api, path).exists()
    assert tus.delete(path).status == 204
    assert not on_disk(api, path).exists() and not on_disk(api, path).with_name(on_disk(api, path).name + ".state").exists()
    assert tus.head(path).status == 410 and tus.patch(path, 2, b"cde").status == 410 and tus.delete(path).status == 410


def database(api, sql, *arguments):
    with sqlite3.connect(api.paths.database, timeout=10) as connection:
        rows = connection.execute(sql, arguments).fetchall()
    connection.close()
    return rows


def test_expiry(api, tus):
    old, fresh, done = tus.new(9), tus.new(9), tus.send(b"abc")
    tus.patch(old, 0, b"abc")
    tokens = [p.rsplit("/", 1)[1] for p in (old, fresh)]
    database(api, "UPDATE uploads SET expires_at = 1 WHERE token IN (?, ?)", *tokens)
    assert tus.head(old).status == 410 and tus.patch(old, 3, b"def").status == 410
    line = tus.line(fresh, 0, 9)  # refused too: its time was over before it began
    line.send(b"123456789")
    assert line.getresponse().status == 410
    unused, used = tus.send(b"abc"), tus.send(PST)  # whole, long ago; one of them has a mailbox
    job = tus.client.create_job("expiry.example", destination={"host": "127.0.0.1", "tls": "none"})
    tus.client.add_mailboxes(job["id"], [{"source": {"kind": "pst", "upload_id": used["id"]}, "destination": {"user": "u", "secret": "s"}}])
    database(api, "UPDATE uploads SET updated_at = 1 WHERE token IN (?, ?)", unused["token"], used["token"])
    stray = api.paths.data / "uploads" / ("f" * 32)  # of a creation that did not come to its end
    stray.write_bytes(b"x")
    os.utime(stray, (1, 1))
    api.pools.processes["api"].stop()
    api.pools.restart("api")  # the keeper sweeps when it starts
    wait.until(lambda: not on_disk(api, old).exists() and not on_disk(api, fresh).exists() and not stray.exists(), "the sweep")
    assert database(api, "SELECT count(*) FROM uploads WHERE token IN (?, ?) AND status = 'removed'", *tokens) == [(2,)]
    assert on_disk(api, "/" + done["token"]).exists()
    wait.until(lambda: not on_disk(api, "/" + unused["token"]).exists(), "the upload that nobody used to go")
    assert on_disk(api, "/" + used["token"]).exists() and tus.client.request("GET", "/uploads/" + unused["token"]).status == 410
    # each part puts it off
    path = tus.new(9)
    token = path.rsplit("/", 1)[1]
    soon = database(api, "SELECT created_at FROM uploads WHERE token = ?", token)[0][0] + 60_000
    database(api, "UPDATE uploads SET expires_at = ? WHERE token = ?", soon, token)
    tus.patch(path, 0, b"a")
    assert database(api, "SELECT expires_at FROM uploads WHERE token = ?", token)[0][0] > soon + 86_400_000


def tgz(compress=True):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz" if compress else "w") as tar:
        info = tarfile.TarInfo("Inbox/0001.eml")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    return out.getvalue()


def zipped(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize("data,kind", [
    (PST, "pst"), (b"From a@b.example Tue May  5 05:05:05 2015\nSubject: x\n\nbody\n", "mbox"), (tgz(), "tgz"),
    (zipped("a/1.eml"), "zip"), (zipped("Maildir/cur/1:2,S"), "zip"), (tgz(False), "unknown"), (gzip.compress(b"no tar"), "unknown"),
    (b"", "unknown"), (b"!BDN", "unknown"), (b"PK\3\4" + bytes(100), "zip"), (b"From here to nowhere", "unknown"),
    (b"\x1f\x8b" + bytes(100), "unknown")],
    ids=["pst", "mbox", "tgz", "zip", "zip-maildir", "tar", "gzip", "empty", "pst-cut", "zip-odd", "text", "gzip-damaged"])
def test_kind_by_content(tus, data, kind):
    """The name says something else, and does not count."""
    assert tus.send(data, name="it.is.a.pst")["kind"] == kind


def test_a_mailbox_takes_only_what_fits(api, tus):
    technician = tus.client
    job = technician.create_job("files.example", destination={"host": "127.0.0.1", "tls": "none"})

    def add(upload, kind):
        return technician.request("POST", f"/jobs/{job['id']}/mailboxes",
                                  {"source": {"kind": kind, "upload_id": upload}, "destination": {"user": f"u{upload}", "secret": "s"}})
    pst = tus.send(PST)
    partial = tus.client.get(tus.new(10))
    gone = tus.send(b"x")
    tus.delete("/uploads/" + gone["token"])
    for upload, kind in ((partial["id"], "pst"), (gone["id"], "pst"), (999999, "pst"), (pst["id"], "mbox"), (pst["id"], "tgz")):
        answer = add(upload, kind)
        assert answer.status == 422 and answer.json["errors"][0]["pointer"] == "/source/upload_id", answer.text
    box = add(pst["id"], "pst")
    assert box.status == 201
    assert tus.delete("/uploads/" + pst["token"]).status == 409
    # an upload that is not whole any more starts no run
    database(api, "UPDATE uploads SET status = 'receiving' WHERE id = ?", pst["id"])
    answer = technician.request("POST", f"/jobs/{job['id']}/sync", {"pass": "initial"})
    assert answer.status == 409 and answer.json["code"] == "upload.incomplete", answer.text
    database(api, "UPDATE uploads SET status = 'complete' WHERE id = ?", pst["id"])
    mailbox = box.json["items"][0]
    technician.delete(f"/mailboxes/{mailbox['id']}", {"reason": "test"})
    assert tus.delete("/uploads/" + pst["token"]).status == 204


def test_roles(api):
    for role, status in (("technician", 201), ("ops_lead", 201), ("super_admin", 201), ("gate_reader", 403)):
        assert Tus(api.bearer(role)).create(1).status == status
    assert Tus(api.client()).create(1).status == 401


def test_one_writes_at_a_time(api, tus):
    """A line that hangs does not keep its successor out: HEAD takes the file over at what has come."""
    data = noise(300_000)
    path = tus.new(len(data))
    hung = tus.line(path, 0, len(data))
    hung.send(data[:100_000])
    wait.until(lambda: on_disk(api, path).stat().st_size == 100_000, "the first bytes")
    assert tus.offset(path) == 100_000
    assert tus.patch(path, 100_000, data[100_000:]).status == 204
    assert hung.getresponse().status == 423
    assert tus.client.get(path)["sha256"] == hashlib.sha256(data).hexdigest()


def test_pool_stops_in_the_middle(api, tus):
    """SIGTERM during an upload: what came is made safe, the pool ends, the next one goes on."""
    data = noise(500_000, 5)
    path = tus.new(len(data))
    line = tus.line(path, 0, len(data))
    line.send(data[:200_000])
    wait.until(lambda: on_disk(api, path).stat().st_size == 200_000, "the first bytes")
    assert api.pools.processes["upload"].stop() in (0, None)
    api.pools.restart("upload")
    tus.until_it_answers()
    assert tus.offset(path) == 200_000
    assert tus.patch(path, 200_000, data[200_000:]).status == 204
    assert tus.client.get(path)["sha256"] == hashlib.sha256(data).hexdigest()
