"""Files of mail that a mailbox moves from, put where uploads lie, as the upload's own route leaves them."""

import hashlib
import os
import pathlib
import secrets
import shutil
import sqlite3
import time

from stack import identity

SHARED = pathlib.Path(os.environ.get("DESK_SHARED_DATA") or pathlib.Path(__file__).resolve().parents[3] / "shared/data")


def samples(kind, pattern="*"):
    """Real samples of this machine, [] when it has none."""
    return sorted((SHARED / kind).glob(pattern)) if (SHARED / kind).is_dir() else []


def upload(stack, path, kind):
    """The number of a complete upload with this content."""
    token = secrets.token_hex(16)
    target = stack.paths.data / "uploads" / token
    shutil.copyfile(path, target)
    identity.own(target, identity.api(), mode=0o640)
    if identity.is_root():
        os.chown(target, -1, os.stat(target.parent).st_gid)
    now = int(time.time() * 1000)
    digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    size = os.path.getsize(path)
    connection = sqlite3.connect(stack.paths.database, timeout=30)
    with connection:
        number = connection.execute(
            "INSERT INTO uploads (token, name, kind, size, received, sha256, status, created_by, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?, 'complete', 'test', ?, ?)",
            (token, pathlib.Path(path).name, kind, size, size, digest, now, now)).lastrowid
    connection.close()
    return number
