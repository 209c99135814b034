"""The pools as processes: what dies is replaced, what ends ends cleanly, what must not wait does not."""

import json
import os
import re
import signal
import socket
import sqlite3
import struct
import subprocess
import threading

import pytest

from stack import tokens, wait
from stack.client import Client


def member(api, pool="api"):
    """The children that answer: all but the keeper, which is the first one started."""
    return sorted(api.pools.members(pool))[1 if pool == "api" else 0:]


def answers(api):
    return Client(api.url).request("GET", "/ready").status == 200


def fastcgi(path, parameters, body=b"", end=True):
    """A FastCGI request on a pool's own socket; the open line."""
    def record(kind, data):
        return struct.pack("!BBHHBx", 1, kind, 1, len(data), 0) + data
    pairs = b""
    for name, value in parameters.items():
        name, value = name.encode(), value.encode()
        pairs += struct.pack("!B", len(name)) + struct.pack("!I", len(value) | 1 << 31) + name + value
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(60)
    line.connect(str(path))
    line.sendall(record(1, struct.pack("!HB5x", 1, 0)) + record(4, pairs) + record(4, b"") + (record(5, body) if body else b"")
                 + (record(5, b"") if end else b""))
    return line


def test_replaced(api):
    before = member(api)
    os.kill(before[0], signal.SIGKILL)
    wait.until(lambda: len(member(api)) == len(before) and before[0] not in member(api), "a new child")
    assert answers(api)


def test_the_keeper_is_replaced(api):
    keeper = sorted(api.pools.members("api"))[0]
    os.kill(keeper, signal.SIGKILL)
    wait.until(lambda: keeper not in api.pools.members("api") and len(api.pools.members("api")) == 4, "a new keeper")
    assert answers(api)


def test_a_half_request_holds_one_process_only(api):
    """Lines that never send their request: the others answer on."""
    lines = [fastcgi(api.pools.paths["api"], {"REQUEST_METHOD": "POST", "REQUEST_URI": "/api/v1/migration/session", "CONTENT_TYPE": "application/json",
                                              "CONTENT_LENGTH": "100"}, b"{", end=False) for _ in range(2)]
    assert answers(api)
    for line in lines:
        line.close()
    for _ in range(10):
        assert answers(api)


def test_odd_records(api):
    """Bytes that are no FastCGI, and requests without what CGI promises."""
    for junk in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\x00" * 64, b"\xff" * 4096, b"\x01\x01\x00\x01\x00\x08\x00\x00", os.urandom(500)):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(60)
            line.connect(str(api.pools.paths["api"]))
            line.sendall(junk)
            line.shutdown(socket.SHUT_WR)
            try:
                while line.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    for parameters in ({}, {"REQUEST_METHOD": "GET"}, {"REQUEST_URI": "/"}, {"REQUEST_METHOD": "GET", "REQUEST_URI": ""},
                       {"REQUEST_METHOD": "POST", "REQUEST_URI": "/api/v1/migration/session", "CONTENT_LENGTH": "-5"},
                       {"REQUEST_METHOD": "POST", "REQUEST_URI": "/api/v1/migration/session", "CONTENT_LENGTH": "99999999999999999999"},
                       {"REQUEST_METHOD": "GET", "REQUEST_URI": "/api/v1/migration/metrics"}):
        with fastcgi(api.pools.paths["api"], parameters) as line:
            got = b""
            while more := line.recv(65536):
                got += more
            assert b"application/problem+json" in got, (parameters, got[:200])
    assert answers(api) and len(member(api)) == 3


@pytest.mark.long
def test_stops_gracefully(new_stack):
    """SIGTERM: requests that are being answered are answered; the socket waits for the next start."""
    own = new_stack(mail=False, with_worker=False)
    token, failures, stop = tokens.hs256(own.desk_key, "technician"), [], threading.Event()

    def ask():
        client = Client(own.url, token=token)
        while not stop.is_set():
            status = client.request("GET", "/jobs").status
            if status != 200:
                failures.append(status)
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        process = own.pools.processes["api"]
        children = own.pools.members("api")
        process.stop()
        assert not [pid for pid in children if os.path.exists(f"/proc/{pid}")]
        own.pools.restart("api")
    wait.until(lambda: answers(own), "an answer")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.long
def test_children_do_not_outlive_their_parent(new_stack):
    own = new_stack(mail=False, with_worker=False)
    children = own.pools.members("api") + own.pools.members("upload")
    for pool in ("api", "upload"):
        os.kill(own.pools.processes[pool].pid, signal.SIGKILL)

    def gone():
        return not [pid for pid in children if os.path.exists(f"/proc/{pid}") and "Z" not in open(f"/proc/{pid}/stat").read().split(") ")[1][:1]]
    wait.until(gone, "the children to end", 20)


def test_another_version_of_the_database(new_stack):
    """An upgrade under a running pool: it says 503 and comes back by itself when the version is its own again."""
    own = new_stack(mail=False, with_worker=False)

    def version(number):
        with sqlite3.connect(own.paths.database, timeout=10) as connection:
            known = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute(f"PRAGMA user_version={number}")
        connection.close()
        return known
    client = own.bearer("technician")
    before = member(own)
    known = version(99)
    for _ in before:
        answer = client.request("GET", "/jobs")
        if answer.status == 503:
            assert answer.json["code"] in ("database.version", "service.unavailable")
    version(known)
    wait.until(lambda: client.request("GET", "/jobs").status == 200, "the pool to be back", 30)
    assert member(own) != before


def test_a_run_file_that_was_lost(new_stack):
    """The row is there and the file is not: a crash between the two. The keeper writes it at its next start."""
    own = new_stack(mail=False, with_worker=False)
    technician = own.bearer("technician")
    job = technician.create_job("lost.example", source={"host": "127.0.0.1", "tls": "none"}, destination={"host": "127.0.0.1", "tls": "none"})
    technician.add_mailboxes(job["id"], [{"source": {"user": "a"}, "destination": {"user": "b"}}])
    run = technician.start(job["id"], "preflight")[0]
    file = own.paths.spool / "incoming" / f"{run['id']}.json"
    text = json.loads(file.read_text(encoding="utf-8"))
    assert (text["run_id"], text["kind"], text["attempt"], text["version"]) == (run["id"], "preflight", 0, 1)
    file.unlink()
    own.pools.processes["api"].stop()
    own.pools.restart("api")
    wait.until(file.exists, "the run file", 20)
    assert json.loads(file.read_text(encoding="utf-8")) == text


def test_the_spool_is_full(new_stack):
    """A run file that cannot be written is the keeper's concern, not the caller's."""
    own = new_stack(mail=False, with_worker=False)
    technician = own.bearer("technician")
    job = technician.create_job("full.example", source={"host": "127.0.0.1", "tls": "none"}, destination={"host": "127.0.0.1", "tls": "none"})
    technician.add_mailboxes(job["id"], [{"source": {"user": "a"}, "destination": {"user": "b"}}])
    incoming = own.paths.spool / "incoming"
    incoming.rename(own.paths.spool / "away")
    run = technician.start(job["id"], "preflight")[0]
    assert run["status"] == "queued"
    (own.paths.spool / "away").rename(incoming)
    own.pools.processes["api"].stop()
    own.pools.restart("api")
    wait.until((incoming / f"{run['id']}.json").exists, "the run file", 20)


@pytest.mark.release
def test_memory(api):
    """At most 8 MiB of private memory a process, after it has answered for a while."""
    client = api.bearer("technician")
    for number in range(100):
        client.request("GET", "/jobs?limit=500")
        client.request("GET", f"/gate?domain=m{number}.example")
    for pid in api.pools.members("api") + api.pools.members("worker"):
        text = open(f"/proc/{pid}/smaps_rollup", encoding="utf-8").read()
        private = sum(int(k) for k in re.findall(r"Private_(?:Clean|Dirty):\s+(\d+)", text))
        assert private <= 8 * 1024, (pid, private)


def test_its_own_socket(build_dir, tmp_path):
    """-s: made with mode 0660, a stale one replaced, a live one left alone, removed at the end."""
    for folder in ("spool/tmp", "spool/incoming"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "migration.env").write_text(f'MIGRATION_DATA_PATH="{tmp_path}"\n', encoding="utf-8")
    path = tmp_path / "api.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    argv = [build_dir / "migration-fcgi", "-p", "api", "-n", "1", "-c", tmp_path / "migration.env", "-s", path]
    first = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def health():
        try:
            with fastcgi(path, {"REQUEST_METHOD": "GET", "REQUEST_URI": "/api/v1/migration/health"}) as line:
                return b'"ok"' in line.recv(4096)
        except OSError:
            return False
    wait.until(health, "an answer", 20)
    assert path.stat().st_mode & 0o777 == 0o660
    second = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode != 0 and "another process answers" in second.stderr
    assert health()
    first.terminate()
    assert first.wait(timeout=40) == 0 and not path.exists()


def test_needs_a_socket(build_dir, tmp_path):
    (tmp_path / "migration.env").write_text(f'MIGRATION_DATA_PATH="{tmp_path}"\n', encoding="utf-8")
    done = subprocess.run([build_dir / "migration-fcgi", "-p", "api", "-c", tmp_path / "migration.env"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 64 and "-s" in done.stderr
    assert subprocess.run([build_dir / "migration-fcgi", "-p", "nothing"], capture_output=True, check=False).returncode == 64
