"""mailmover copy --only: single messages, each copy counted, and the next pass neither misses nor doubles any."""

import json

from . import oddities
from .test_exact import DATE, simple, succeed


def only(case, *rows):
    """[(folder, uids, uidvalidity)] as the file that --only reads."""
    file = case.directory / "only.json"
    file.write_text(json.dumps({"folders": [{"folder": folder, "uids": uids, "uidvalidity": validity}
                                            for folder, uids, validity in rows]}), encoding="utf-8")
    return file


def delete(case, server, folder, numbers):
    loader = case.loader(server)
    loader.command(b"SELECT " + folder.encode())
    loader.command(b"STORE " + numbers.encode() + b" +FLAGS (\\Deleted)")
    loader.command(b"EXPUNGE")
    loader.close()


def test_brings_back_what_is_missing(case):
    twins = [(oddities.message("twin", message_id="twin@b.example"), DATE, ())] * 3
    case.fill([("INBOX", True, simple(8) + twins), ("Other", True, simple(4, start=50))])
    succeed(case.engine.run())
    delete(case, case.destination, "INBOX", "2,5,10")  # mail 2, mail 5, the second twin
    delete(case, case.destination, "Other", "1")
    run = succeed(case.engine.run("--only", only(case, ("INBOX", "2,10", 0))))
    assert (run.done["messages_total"], run.done["messages_copied"], run.done["messages_present"]) == (2, 2, 0), run
    assert not run.of("pass"), "the pass that a later verify is measured against was another one"
    succeed(case.engine.run("--only", only(case, ("INBOX", "5", 0), ("Other", "1:2", 0))))
    case.check(run)
    again = succeed(case.engine.run("--only", only(case, ("INBOX", "1:11", 0))))
    assert (again.done["messages_copied"], again.done["messages_present"]) == (0, 11), again
    case.fill([("INBOX", True, simple(3, start=90))])
    delta = succeed(case.engine.run())
    assert delta.done["messages_copied"] == 3, delta
    case.check(delta)


def test_without_state(case):
    """Another tool had copied, or the state was lost: what is there is found, and later passes still compare."""
    case.fill([("INBOX", True, simple(12))])
    succeed(case.engine.run())
    case.engine.state.unlink()
    delete(case, case.destination, "INBOX", "3:4")
    run = succeed(case.engine.run("--only", only(case, ("INBOX", "3,6", 0))))
    assert (run.done["messages_copied"], run.done["messages_present"]) == (1, 1), run
    rest = succeed(case.engine.run())
    assert rest.done["messages_copied"] == 1, rest
    case.check(rest)


def test_to_a_folder_that_is_gone(case):
    case.fill([("INBOX", True, simple(2)), ("Away", True, simple(3, start=20))])
    succeed(case.engine.run())
    loader = case.loader(case.destination)
    loader.command(b"DELETE Away")
    loader.close()
    run = succeed(case.engine.run("--only", only(case, ("Away", "1:3", 0))))
    assert run.done["messages_copied"] == 3, run
    case.check(run)


def test_what_cannot_be_named(case):
    """Gone from the source, a folder of that name is not there, or has other numbers now: said, and no success."""
    case.fill([("INBOX", True, simple(4))])
    succeed(case.engine.run())
    delete(case, case.source, "INBOX", "2")
    for rows, code in ((("INBOX", "2,77", 0), "not_found"), (("Nowhere", "1", 0), "not_found"),
                       (("INBOX", "1", 4711), "source.changed")):
        run = case.engine.run("--only", only(case, rows))
        assert run.status == 1 and run.done["messages_copied"] == 0, run
        assert code in [w["code"] for w in run.of("warning")], run
    assert succeed(case.engine.run()).done["messages_copied"] == 0


def test_bad_files(case):
    for text in ("", "{}", '{"folders":[]}', '{"folders":[{"folder":"INBOX"}]}', '{"folders":[{"uids":"1"}]}',
                 '{"folders":[{"folder":"INBOX","uids":"0"}]}', '{"folders":[{"folder":"INBOX","uids":"1","uidvalidity":-1}]}'):
        file = case.directory / "bad.json"
        file.write_text(text, encoding="utf-8")
        run = case.engine.run("--only", file)
        assert run.status not in (0, 1) and "bad.json" in run.stderr, run
