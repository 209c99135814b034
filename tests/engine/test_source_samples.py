"""Every real, damaged and hostile sample of the shared data, each into an account of its own: one table of what came of it.

What a PST's folders must hold is readpst's word (test_source_pst), a TGZ's its own .meta files (test_source_archive);
here each sample is moved, moved again (nothing may be copied twice) and verified, and nothing may appear beside it.
"""

import pathlib

import pytest

from stack import files
from . import filecase

pytestmark = pytest.mark.long
UNREADABLE = ["noroot", "badmagic", "damaged_empty", "random-64k", "truncated-half", "unknown-version"]
PARTIAL = ["silent", "bitflip", "evil", "Truncated.tgz", "damaged_cut", "damaged_"]
WHOLE = ["harmless"]


def outcome(name):
    if any(mark in name for mark in UNREADABLE):
        return 65
    return 1 if any(mark in name for mark in PARTIAL) and not any(mark in name for mark in WHOLE) else 0


def samples():
    found = [("pst", f) for f in files.samples("pst")] + [("tgz", f) for f in files.samples("tgz")]
    found += [("mbox", f) for f in files.samples("mbox")]
    found += [("zip", d) for d in files.samples("eml") if d.is_dir()]
    return found


def test_every_sample(case, tmp_path):
    wrong, outside = [], sorted(p.name for p in pathlib.Path(files.SHARED).rglob("*"))
    for kind, path in samples():
        mine = case.sibling(f"{kind}-{path.name}"[:100])
        engine = filecase.engine(mine, kind, path)
        run = engine.run()
        again = engine.run() if run.status in (0, 1) else run
        verify = engine.run(command="verify") if run.status in (0, 1) else run
        got = mine.read(mine.destination)
        folders = sum(bool(mails) for mails in got.folders.values())
        words = "; ".join(dict.fromkeys(e["message"][:60] for e in run.of("warning") if e.get("code") == "source.damaged"))
        print(f"{kind:<4} {path.name[:58]:<58} exit {run.status:>2} copied {run.done['messages_copied']:>3} refused "
              f"{run.done['refused']:>2} folders {folders:>2} again {again.done['messages_copied']} verify {verify.status} {words[:90]}")
        if run.status in (0, 1):
            ok = again.done["messages_copied"] == 0 and again.status == run.status and verify.status == run.status
            ok = ok and sum(sum(m.values()) for m in got.folders.values()) == run.done["messages_copied"]
        else:
            ok = run.done["code"] == "source.damaged" and run.done["message"] and run.done["messages_copied"] == 0
        if not ok or run.status != outcome(path.name):
            wrong.append(f"{path.name}: expected exit {outcome(path.name)}\n{run}\nagain {again}\nverify {verify}")
    assert sorted(p.name for p in pathlib.Path(files.SHARED).rglob("*")) == outside
    assert not wrong, "\n\n".join(wrong)
    if not samples():
        pytest.skip(f"no samples in {files.SHARED}: set DESK_SHARED_DATA")
