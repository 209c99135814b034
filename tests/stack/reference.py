"""The tools of the reference engine, where this machine has them, made reachable for the worker's user."""

import os
import pathlib
import shutil


def find(name, variable):
    """The tool's path, or None."""
    path = os.environ.get(variable) or shutil.which(name)
    return pathlib.Path(path) if path and os.access(path, os.X_OK) else None


def place(path, directory):
    """A copy in a directory that every user may read."""
    directory.mkdir(mode=0o755, exist_ok=True)
    target = directory / path.name
    shutil.copy(path, target)
    target.chmod(0o755)
    return target
