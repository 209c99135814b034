"""Who may touch what: the table of owners and modes, tried as each process's user."""

import os
import pathlib

import pytest

from stack import identity, permissions
from stack.process import children_of

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: each process must have a user of its own")


@needs_root
@pytest.mark.parametrize("case", permissions.DENIED, ids=lambda c: f"{c.who}-{c.action}-{c.path.replace('/', '_')}")
def test_denied(stack, case):
    assert permissions.attempt(stack.paths.top, case) == "denied"


@needs_root
def test_processes_have_their_own_users(stack):
    def user_of(pid):
        return os.stat(f"/proc/{pid}").st_uid
    wanted = {"nginx": identity.web().uid, "migration-worker (worker-1)": identity.worker().uid,
              **{f"migration-fcgi -p {pool}": identity.api().uid for pool in ("api", "worker", "upload")}}
    seen = {p.name: user_of(p.pid) for p in stack.processes() if p.name in wanted}
    assert seen == wanted
    for pool in stack.pools.processes.values():
        assert {user_of(pid) for pid in children_of(pool.pid)} <= {identity.api().uid}


def test_databases_are_private(stack):
    for name in ("migration.db", "progress.db"):
        assert (stack.paths.data / name).stat().st_mode & 0o077 == 0, name


def test_secret_key_is_in_no_file_of_the_api(stack):
    """Not in its settings, nor anywhere under the data directory that its user can read."""
    secret = stack.secret_key.encode()
    readable = [stack.paths.settings]
    readable += [f for f in stack.paths.data.rglob("*") if f.is_file() and "spool" not in f.parts]
    for file in readable:
        assert secret not in pathlib.Path(file).read_bytes(), file


def test_fcgi_refuses_the_secret_key(stack, tmp_path):
    """It must not start with the key in its settings, nor where it could read the worker's."""
    import subprocess
    from stack.process import ENVIRON
    base = stack.paths.settings.read_text(encoding="utf-8")
    with_key = tmp_path / "with/migration.env"
    beside = tmp_path / "beside/migration.env"
    for file, text in ((with_key, base + f'MIGRATION_CREDENTIALS_KEY="{stack.secret_key}"\n'), (beside, base)):
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
    (beside.parent / "worker.env").write_text(f'MIGRATION_CREDENTIALS_KEY="{stack.secret_key}"\n', encoding="utf-8")
    for file in (with_key, beside):
        result = subprocess.run([stack.programs / "migration-fcgi", "-p", "api", "-s", tmp_path / "s.sock", "-c", file],
                                env=ENVIRON, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode != 0, file
        assert "worker.env" in result.stderr or "MIGRATION_CREDENTIALS_KEY" in result.stderr, result.stderr
        assert stack.secret_key not in result.stderr
