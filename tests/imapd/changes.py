"""What happens to an account behind the client's back: mail arrives, goes, folders change."""

from . import script as scripts


def _expunge(store, name, rest):
    store.get(name).remove(int(rest))


def _add(store, name, rest):
    box = store.get(name)
    for _ in range(int(rest)):
        box.add(b"Subject: arrived %d\r\n\r\nlate\r\n" % box.uidnext, " 2-Feb-2022 02:02:02 +0000")


def _renew(store, name, _):
    store.renew(name)


def _remove(store, name, _):
    store.mailboxes.pop(name, None)


def _flag(store, name, rest):
    uid, flag = rest.split()
    box = store.get(name)
    box.modseq += 1
    for message in box.messages:
        if message.uid == int(uid):
            message.flags, message.modseq = tuple({*message.flags, flag}), box.modseq


def _hide(store, name, _):
    """As after a crash: the mail is on the disk, the index does not know it."""
    box = store.get(name)
    box.hidden, box.messages = box.messages, []
    box.uidnext = min((m.uid for m in box.hidden), default=box.uidnext)


def _find(store, name, rest):
    """As when the index is mended: what was hidden is there again; its flags, too, unless "bare"."""
    box = store.get(name)
    for message in box.hidden:
        box.add(message.data, message.date, () if rest == "bare" else message.flags)
    box.hidden = []


ACTIONS = {"hide": _hide, "find": _find, "expunge": _expunge, "add": _add, "renew": _renew, "remove": _remove, "flag": _flag}


def apply(store, word, rest):
    """One action of a script; its first word is the folder."""
    name, _, arguments = rest.partition(" ")
    with store.lock:
        ACTIONS[word](store, scripts.decode(name), arguments)
