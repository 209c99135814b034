"""Scripts of the server: text files that say, in order, where it behaves out of the ordinary.

    # The first comment is the rule of the dialogue that the script is about.
    server source              which side is scripted (default source; the other side is ordinary)
    offer IMAP4rev1 ID ...     capabilities, instead of the default ones
    without MULTIAPPEND ...    the default ones but for these
    with COMPRESS=DEFLATE ...  the default ones and these
    after-login IMAP4rev1 ...  other capabilities once logged in
    places N                   at most N may be logged in at once (default: any number)
    tls none|starttls|implicit how it listens (default none)
    mail FOLDER COUNT [SIZE]   messages that the source holds (default: mail INBOX 5)
    folder NAME [\\Role]        a folder more, at the source; \\Noselect makes it a mere parent
    args --option VALUE        for mailmover
    runs N                     mailmover is run again, up to N times in all, until it exits with 0
    slow                       much patience is asked of mailmover, or of who waits: only with --long
    between                    what happens between the first run and a second one (actions follow)

    on PATTERN [nth N|each]    a regular expression that a command (after its tag) must match from its
        ACTION                 start, letters in any case; "greeting" and "literal PATTERN" (a command that
        ...                    waits for "+") are such moments too. Once, unless "each".

    expect exit STATUS...      of the last run
    expect code CODE           of its done event
    expect same                at the end both sides hold the same mail and folders
    expect folder NAME         the destination has this folder, as on the wire
    expect missing N           N messages are not at the destination, nothing else differs
    expect somewhere           each message is at the destination, in whatever folder
    expect bytes               the same, whatever their flags
    expect date TEXT           the destination has a message of this INTERNALDATE
    expect event TYPE [KEY=VALUE]...
    expect never PATTERN       nothing like this reached the scripted server
    expect sent PATTERN        something like this did
    expect secret-unseen       the password reached it in no form
    expect memory MB           at most that much (release build only)
    expect holds TEXT          the destination has a message of these bytes (and "all there" is not asked)
    expect second-run-never PATTERN   after the first run nothing like this was sent
  Always: exit 0 only if all mail is there; nothing twice; no password in events or on stderr; no hang.

Actions: send TEXT, raw TEXT (no line end), repeat N TEXT, ok|no|bad TEXT, bye TEXT, default [N] (the
ordinary answer, or the next N responses of it), part N (the first N bytes of its next response), swallow (do it, answer nothing), preauth (logged in already),
pass (accept the literal), stall SECONDS, drop (reset), close, bytewise, tls, deflate (compressed from here), offer NAMES, places N, expunge FOLDER UID, add FOLDER N,
renew FOLDER (another UIDVALIDITY), remove FOLDER, flag FOLDER UID FLAG, hide FOLDER (its mail is not in its index), find FOLDER
[bare] (it is again; bare: without flags). In texts $tag is the command's tag,
$from its first literal, and \\r \\n \\0 \\xNN are bytes.
"""

import dataclasses
import re
import shlex

DEFAULT = ("IMAP4rev1 SASL-IR LITERAL+ ID ENABLE NAMESPACE UNSELECT UIDPLUS LIST-EXTENDED LIST-STATUS SPECIAL-USE "
           "STATUS=SIZE CONDSTORE MULTIAPPEND CHILDREN").split()
_ACTIONS = {"send", "raw", "repeat", "ok", "no", "bad", "bye", "default", "part", "pass", "stall", "drop", "close", "swallow", "preauth",
            "bytewise", "tls", "deflate", "offer", "places", "expunge", "add", "renew", "remove", "flag", "hide", "find"}


class ScriptError(Exception):
    pass


@dataclasses.dataclass
class Rule:
    moment: str  # "command", "literal", "greeting"
    pattern: re.Pattern
    nth: int
    each: bool
    actions: list
    seen: int = 0

    def fires(self, text):
        if not self.pattern.match(text):
            return False
        self.seen += 1
        return self.each or self.seen == self.nth


@dataclasses.dataclass
class Script:
    title: str = ""
    server: str = "source"
    offer: list = dataclasses.field(default_factory=lambda: list(DEFAULT))
    after_login: list = None
    places: int = 0
    tls: str = "none"
    mail: list = dataclasses.field(default_factory=list)
    folders: list = dataclasses.field(default_factory=list)
    args: list = dataclasses.field(default_factory=list)
    runs: int = 1
    rules: list = dataclasses.field(default_factory=list)
    between: list = None
    slow: bool = False
    expect: list = dataclasses.field(default_factory=list)


def parse(text, name="script"):
    script, rule = Script(), None
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if line.startswith("#"):
                script.title = script.title or line[1:].strip()
            elif not line.strip():
                continue
            elif line[0] in " \t":
                rule.actions.append(_action(line.strip()))
            else:
                rule = _statement(script, line)
        except (ValueError, KeyError, AttributeError, IndexError) as error:
            raise ScriptError(f"{name}:{number}: {line.strip()!r}: {error}") from error
    if not script.mail:
        script.mail.append(("INBOX", 5, 700))
    if not script.expect:
        raise ScriptError(f"{name}: expects nothing")
    return script


def _statement(script, line):
    word, _, rest = line.partition(" ")
    if word == "on":
        script.rules.append(_rule(rest))
        return script.rules[-1]
    if word == "between":
        between = Rule("between", None, 1, False, [])
        script.between = between.actions
        return between
    words = shlex.split(rest) if word in ("mail", "args") else rest.split()
    if word == "server" and rest in ("source", "destination"):
        script.server = rest
    elif word == "offer":
        script.offer = words
    elif word == "without":
        script.offer = [n for n in script.offer if n not in words]
    elif word == "with":
        script.offer = script.offer + words
    elif word == "after-login":
        script.after_login = words
    elif word == "places":
        script.places = int(rest)
    elif word == "tls" and rest in ("none", "starttls", "implicit"):
        script.tls = rest
    elif word == "mail":
        script.mail.append((words[0], int(words[1]), int(words[2]) if len(words) > 2 else 700))
    elif word == "folder":
        name, _, role = rest.partition(" \\")
        script.folders.append((decode(name), role))
    elif word == "args":
        script.args += words
    elif word == "runs":
        script.runs = int(rest)
    elif word == "slow":
        script.slow = True
    elif word == "expect":
        script.expect.append(rest)
    else:
        raise ValueError("not understood")
    return None


def _rule(rest):
    match = re.fullmatch(r"(?:(literal) )?(.+?)(?: (?:nth (\d+)|(each)))?", rest)
    moment = match[1] or ("greeting" if match[2] == "greeting" else "command")
    return Rule(moment, re.compile(match[2].encode(), re.I | re.S), int(match[3] or 1), bool(match[4]), [])


def _action(line):
    word, _, rest = line.partition(" ")
    if word not in _ACTIONS:
        raise ValueError("no such action")
    return word, rest


def decode(text):
    """The bytes that a text of a script stands for."""
    data = text.encode("utf-8")
    names = {b"r": b"\r", b"n": b"\n", b"0": b"\0"}
    return re.sub(rb"\\(?:x([0-9a-fA-F]{2})|([rn0]))",
                  lambda m: bytes([int(m[1], 16)]) if m[1] else names[m[2]], data)
