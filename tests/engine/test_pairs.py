"""Every server of Debian to every other: Dovecot, Cyrus, Courier, Mailutils' imap4d.

What a server changes or refuses by itself is known and listed here; all else has to be equal. In the
quick form there is a mailbox from Dovecot to Cyrus, in the long one every pair.
"""

import dataclasses

import pytest

from imapd.server import Server
from imapd.store import Store
from stack import debs, dovecot, mailgen
from stack.courier import Courier
from stack.cyrus import Cyrus
from stack.mailutils import Mailutils
from stack.process import StartError
from . import mailmover, oddities
from .case import PASSWORD, Case, counts, namespace, prepare

DATE = " 5-May-2015 05:05:05 -0300"
NAMES = ["dovecot", "cyrus", "courier", "mailutils"]
QUICK = [("dovecot", "cyrus")]
ALL = [(a, b) for a in NAMES for b in NAMES]
# imap4d keeps no keywords and no subscriptions, adds headers, and stops answering when some names are created
POOR = {"mailutils"}
# Of the strange messages: Courier takes out each CR that stands alone (2 messages), imap4d all of those that have no
# header. Without state they are not known again, for what is there is another message.
BEYOND_RECOGNITION = {"courier": 2, "mailutils": 2}


@pytest.fixture(scope="session")
def server(place, authority):
    """server(name): a running server, started once. another: a second one of that kind."""
    running = {}

    def get(name, another=False):
        key = name + "-2" if another else name
        if key not in running:
            try:
                running[key] = _start(name, place / f"pairs-{key}", authority.issue(f"pairs-{key}"))
            except (debs.Unavailable, StartError) as error:
                running[key] = error
        if isinstance(running[key], Exception):
            pytest.skip(f"{key}: {running[key]}")
        return running[key]
    yield get
    for one in running.values():
        if not isinstance(one, Exception):
            one.stop()


def _start(name, directory, certificate):
    if name == "dovecot":
        one = dovecot.Dovecot(name, directory, certificate)
        prepare(one)
    else:
        one = {"cyrus": Cyrus, "courier": Courier, "mailutils": Mailutils}[name](directory, certificate)
        prepare(one, users=60)
    return one.start()


def parametrize(quick):
    """Every pair; those that are not quick only in the long form."""
    return pytest.mark.parametrize("source, destination", [
        pytest.param(a, b, id=f"{a}-to-{b}", marks=() if (a, b) in quick else pytest.mark.long) for a, b in ALL])


@pytest.fixture
def case_of(program, tmp_path, authority, server):
    return lambda source, destination: Case(program, tmp_path, authority, server(source),
                                            server(destination, another=destination == source))


@parametrize(QUICK)
def test_mailbox(case_of, source, destination, long):
    """A realistic mailbox: equal, a second run and one without state bring nothing, the source is untouched."""
    case = case_of(source, destination)
    refused = []
    mailbox = mailgen.Generator(case.user, 31).mailbox(messages=120 if long else 60, biggest=300_000)
    _fill(case, mailbox, refused, poor=source in POOR)
    before = case.read(case.source)
    run = case.engine.run()
    _judge(case, run, before, poor=bool({source, destination} & POOR))
    case.fill([(name, False, [(oddities.message(f"new in {name} {n}", message_id=f"{n}@{name}"), DATE, ("\\Seen",)) for n in range(3)])
               for name in ("INBOX", "Nova")])
    before = case.read(case.source)
    run = case.engine.run()
    assert run.done["messages_copied"] == 6, run
    _judge(case, run, before, poor=bool({source, destination} & POOR))
    held = case.read(case.destination)
    for again in ("with state", "without state"):
        if again == "without state":
            case.engine.state.unlink()
        second = case.engine.run()
        assert second.status == run.status, f"{again}\n{second}"
        assert counts(case.read(case.destination)) == counts(held), f"{again}: the destination has changed\n{second}"
    assert case.read(case.source) == before, "the source has changed"


@parametrize(())
def test_changes_follow(case_of, source, destination):
    """Flags and deletions travel when asked, whatever the two servers have to offer, and the user's own mail stays."""
    if {source, destination} & POOR:
        pytest.skip("imap4d keeps no keywords and has no UIDPLUS")
    case = case_of(source, destination)
    case.fill([(name, True, [(oddities.message(f"{name} {n}", message_id=f"{n}@{name}"), DATE, ("\\Seen",) if n % 2 else ())
                             for n in range(12)]) for name in ("INBOX", "Arquivo")])
    assert case.engine.run().status == 0
    own = (oddities.message("own", message_id="own@d"), DATE, ())
    loader = case.loader(case.destination)
    loader.append("INBOX", [own])
    loader.close()
    case.fill([("INBOX", True, [(oddities.message("late", message_id="late@s"), DATE, ())])])
    loader, prefix = case.loader(case.source), namespace(case.source)
    for folder, changes in (("INBOX", [b"1:3 +FLAGS (\\Flagged $Important)", b"2 -FLAGS (\\Seen)", b"5:6 +FLAGS (\\Deleted)"]),
                            (prefix + "Arquivo", [b"1:4 FLAGS (\\Answered)", b"12 +FLAGS (\\Deleted)"])):
        loader.command(b"SELECT " + loader.name(folder))
        for change in changes:
            loader.command(b"STORE " + change)
        loader.command(b"EXPUNGE")
    loader.close()
    run = case.engine.run("--flags-sync", "--delete-extra", "--i-understand-deletion", "--delete-max", "50%")
    assert run.status == 0 and run.done["deleted"] == 3, run
    here, there = case.read(case.source), case.read(case.destination)
    assert here.folders["Arquivo"] == there.folders["Arquivo"], run
    assert not here.folders["INBOX"] - there.folders["INBOX"], run
    assert (there.folders["INBOX"] - here.folders["INBOX"]).total() == 1, run


@parametrize(())
def test_strange_messages(case_of, source, destination):
    """Each message that the source holds arrives, or is named as refused, or as changed by the server."""
    case = case_of(source, destination)
    refused = []
    case.fill([("Estranhas", source not in POOR, [(data, DATE, ())
                                                  for data in oddities.strange_messages()])], refused)
    before = case.read(case.source)
    run = case.engine.run()
    assert run.status in (0, 1), run
    after = case.read(case.destination)
    assert after.messages + len(run.of("refused")) == before.messages, \
        f"{after.messages} arrived, {len(run.of('refused'))} were refused, of {before.messages}\n{run}"
    altered = sum((counts(before) - counts(after)).values()) - len(run.of("refused"))
    if altered:  # by the destination itself: then a deep verify names each of them
        verify = case.engine.run("--deep", command="verify")
        assert len(verify.of("changed")) + verify.done.get("missing", 0) >= altered, f"{altered} changed\n{verify}"
    again = case.engine.run()
    assert case.read(case.destination).messages == after.messages, f"a second run brought mail twice\n{again}"
    case.engine.state.unlink()
    again = case.engine.run()
    twice = case.read(case.destination).messages - after.messages
    assert twice <= BEYOND_RECOGNITION.get(destination, 0), f"without state {twice} came twice\n{again}"


@pytest.mark.long
@pytest.mark.parametrize("source, destination", [pytest.param(a, b, id=f"{a}-to-{b}") for a, b in ALL])
def test_real_messages(case_of, source, destination):
    """The odd messages of DESK_SHARED_DATA: as strange ones, and exactly once in each further run with state."""
    case = case_of(source, destination)
    case.fill([("Reais", source not in POOR, [(data, DATE, ())
                                              for data in oddities.shared_messages()])], [])
    before = case.read(case.source)
    run = case.engine.run(timeout=300)
    assert run.status in (0, 1), run
    after = case.read(case.destination)
    assert after.messages + len(run.of("refused")) == before.messages, run
    altered = sum((counts(before) - counts(after)).values()) - len(run.of("refused"))
    if altered:
        verify = case.engine.run("--deep", command="verify")
        assert len(verify.of("changed")) + verify.done.get("missing", 0) >= altered, f"{altered} changed\n{verify}"
    again = case.engine.run()
    assert case.read(case.destination).messages == after.messages, f"a second run brought mail twice\n{again}"
    case.engine.state.unlink()
    again = case.engine.run(timeout=300)
    twice = case.read(case.destination).messages - after.messages
    assert twice <= BEYOND_RECOGNITION.get(destination, 0), f"without state {twice} came twice\n{again}"


@parametrize(())
def test_folder_names(case_of, source, destination):
    """Names that both servers can hold arrive as they are; others are mapped, none is lost or merged."""
    if {source, destination} & POOR:
        pytest.skip("imap4d stops answering when folders with such names are created")
    case = case_of(source, destination)
    wanted = [("INBOX", True, [])] + [(name, True, [(oddities.message(f"in {n}"), DATE, ())])
                                      for n, name in enumerate(oddities.NAMES + oddities.NAMES_FOR_SOME)]
    made = []
    for folder in wanted:
        try:
            case.fill([folder])
            made.append(folder[0])
        except Exception as error:  # noqa: what the source cannot hold needs no copy
            assert "NO" in str(error) or "BAD" in str(error), error
    before = case.read(case.source)
    run = case.engine.run()
    assert run.status == 0, run
    after = case.read(case.destination)
    assert counts(after) == counts(before), f"{made}\n{run}"
    assert _groups(after) == _groups(before), f"folders were merged\n{run}"
    renamed = {e.get("folder") for e in run.of("warning") if e["code"] == "folder.denied"}
    different = {name for name, mails in before.folders.items() if mails} - set(after.folders)
    if destination == "cyrus":
        assert len(renamed) == len(different), f"{renamed} are named, {different} have other names\n{run}"
    verify = case.engine.run("--deep", command="verify")
    assert verify.status == 0 and not verify.of("missing"), verify
    for again in ("with state", "without state"):
        if again == "without state":
            case.engine.state.unlink()
        second = case.engine.run()
        assert second.status == 0 and second.done["messages_copied"] == 0, f"{again}\n{second}"
        assert case.read(case.destination).folders == after.folders, f"{again}\n{second}"


# as no server should have them, and as some have had them: on the wire
STRANGEST = [b"n" * 500, b"/".join([b"nivel " + b"x" * 60] * 8), b"&AOk-" * 100, b"/".join([b"a"] * 120), b"caf\xe9", b"caf\xc3\xa9",
             b"A & B", b"&Jjo", b"&AGE-", b"a\tb", b"~", b"..", b"../up", b"a//b", b"trailing/", b" ", b"INBOX ", b"inbox.x",
             b"INBOX/INBOX/INBOX", b'"', b"\\", b"%", b"*", b"{5}", b"{5+}", b"(", b"NIL", b"n" * 499 + b"m"]


@pytest.mark.long
@pytest.mark.parametrize("destination", ["dovecot", "cyrus", "courier"])
def test_names_that_no_server_should_have(program, tmp_path, authority, server, destination):
    """All mail arrives, under whatever name; folders are not merged; later runs bring nothing, also without state."""
    to = server(destination)
    case = Case(program, tmp_path, authority, to, to)
    held = Store()
    for number, name in enumerate(STRANGEST):
        held.create(name).add(oddities.message(f"in {number}", message_id=f"{number}@s"), DATE)
    old = Server(held, {case.user: PASSWORD})
    try:
        engine = mailmover.Engine(program, tmp_path / "names", mailmover.Endpoint(old.port, case.user, PASSWORD, "imap", plain=True),
                                  mailmover.Endpoint(to.tls_port, case.user, PASSWORD), ca_file=authority.certificate)
        run = engine.run()
        assert run.status == 0 and run.done["messages_copied"] == len(STRANGEST), f"{run.of('refused')}\n{run.stderr}"
        arrived = case.read(to)
        assert sorted(mails.total() for mails in arrived.folders.values() if mails) == [1] * len(STRANGEST), run
        for again in ("with state", "without state"):
            if again == "without state":
                engine.state.unlink()
            second = engine.run()
            assert second.status == 0 and second.done["messages_copied"] == 0, f"{again}\n{second}"
        assert case.read(to).folders == arrived.folders
        verify = engine.run("--deep", command="verify")
        assert verify.status == 0 and verify.done["missing"] == 0, verify
    finally:
        old.stop()
    assert not old.faults, old.faults


def _groups(contents):
    """What lies together, whatever the folder is called."""
    return sorted(sorted(mails.items()) for mails in contents.folders.values() if mails)


def _fill(case, mailbox, refused, poor):
    loader, prefix = case.loader(case.source), "INBOX/" if case.source.name == "courier" else ""
    for folder in mailbox:
        path = folder.path if folder.path == "INBOX" else prefix + folder.path
        try:
            loader.create(path, folder.subscribed and not poor)
        except Exception as error:  # noqa: some names are beyond some servers
            refused.append(str(error))
            continue
        loader.append(path, [(m.data, m.internal_date, [f for f in m.flags if f[0] == "\\" or not poor])
                             for m in folder.messages], refused=refused)
    loader.close()


def _substitutes(case, run):
    """{source path: destination path} of the folders that a warning says have another name there."""
    refused = {e.get("folder") for e in run.of("warning") if "refuses the name" in e["message"]}
    return {_path(case.source, e["folder"]): _path(case.destination, e["dest"])
            for done in run.of("pass") for e in done["folders"] if e["folder"] in refused}


def _path(server, name):
    if server.name == "courier":
        name = name.replace(".", "/")
    prefix = namespace(server)
    return name[len(prefix):] if prefix and name.startswith(prefix) else name


def _judge(case, run, before, poor):
    """Equal; or partial, and all that lacks is named; or changed by the destination, and verify names it."""
    if poor:
        before = dataclasses.replace(before, subscribed=case.read(case.destination).subscribed)
    result = case.compare(_substitutes(case, run), source=before, flags=not poor)
    after = case.read(case.destination)
    lost = sum((counts(before) - counts(after)).values())
    if not lost:
        assert result.equal, "\n".join(result.differences) + f"\n{run}"
        return
    assert run.status in (0, 1), run
    verify = case.engine.run("--deep", command="verify")
    denied = {e.get("folder") for e in run.of("warning")}  # folders whose names the destination does not take
    named = len(run.of("refused")) + len(verify.of("changed")) + sum(
        e["class"] == "folder_missing" and e["folder"] in denied for e in verify.of("missing"))
    assert lost <= named, "\n".join(result.differences) + f"\n{run}\n{verify}"
