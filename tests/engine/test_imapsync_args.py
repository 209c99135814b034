"""mailmover imapsync-args: known command lines become ours, what has no counterpart is said, no secret is ever shown."""

import datetime
import pathlib
import re
import shlex
import subprocess

import pytest

from stack.process import ENVIRON

TABLE = pathlib.Path(__file__).parents[2] / "engine" / "imapsync_table.h"
BOTH = ("--host1 old.example --user1 ana@a.example --passfile1 /etc/p1 "
        "--host2 new.example --user2 ana@b.example --passfile2 /etc/p2")


@pytest.fixture
def translate(program):
    def run(line):
        ran = subprocess.run([program, "imapsync-args", "--", *shlex.split(line)], capture_output=True, text=True,
                             env=ENVIRON, check=False)
        assert "Sanitizer" not in ran.stderr, ran.stderr
        lines = ran.stdout.splitlines()
        remarks = [line for line in lines if line.startswith("#")]
        command = shlex.split("\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " "))
        return ran.returncode, command, "\n".join(remarks), ran.stderr
    return run


def test_the_usual_six(translate):
    status, command, remarks, _ = translate(BOTH)
    assert status == 0
    assert command[:2] == ["mailmover", "copy"]
    assert command[2:10] == ["--from", "imaps://ana%40a.example@old.example", "--from-secret", "/etc/p1",
                             "--to", "imaps://ana%40b.example@new.example", "--to-secret", "/etc/p2"]
    assert "--flags-sync" in command and "--state" in command
    assert "--flags-sync" not in translate(BOTH + " --noresyncflags")[1]


@pytest.mark.parametrize("line, want", [
    ("--ssl1 --port1 1993", "imaps://ana%40a.example@old.example:1993"), ("--tls1", "imap://ana%40a.example@old.example"),
    ("--nossl1", "imap://ana%40a.example@old.example"), ("--port1 143", "imap://ana%40a.example@old.example"),
    ("--port1 1143 --tls1", "imap://ana%40a.example@old.example:1143"),
    ("--authuser1 cyrus", "imaps://cyrus@old.example"), ("--user1 ana*master", "imaps://ana*master@old.example")])
def test_urls(translate, line, want):
    status, command, _, _ = translate(BOTH + " " + line)
    assert (status, command[3]) == (0, want)
    if "authuser" in line:
        assert command[command.index("--from-auth") + 1] == "plain:ana@a.example"


@pytest.mark.parametrize("line, want", [
    ("--dry", ["--dry-run"]), ("--automap", ["--automap"]), ("--folder INBOX", ["--include", "INBOX"]),
    ("--folderrec 'A[1]'", ["--include", "A\\[1]", "--include", "A\\[1]/*"]),
    ("--folder 'Clientes/S&AOM-o'", ["--include", "Clientes/São"]),
    ("--exclude '^Junk$|Trash'", ["--exclude", "Junk", "--exclude", "*Trash*"]),
    ("--exclude '^INBOX\\.x.*y'", ["--exclude", "INBOX.x*y*"]), ("--f1f2 'Sent Items=Sent'", ["--map", "Sent Items=Sent"]),
    ("--maxsize 1000000", ["--max-size", "999999"]), ("--maxbytespersecond 50000", ["--max-rate", "50000"]),
    ("--maxmessagespersecond 4.5", ["--max-messages-rate", "4"]),
    ("--search 'SINCE 1-Feb-2020'", ["--since", "2020-02-01"]), ("--search1='before 31-Dec-2019'", ["--before", "2019-12-31"]),
    ("--useuid --usecache --nofoldersizes --nofoldersizesatend --nolog --timeout1 60 --nosyncacls", [])])
def test_options(translate, line, want):
    status, command, _, _ = translate(BOTH + " " + line)
    assert status == 0
    rest = command[command.index("--flags-sync") + 1:]
    assert rest == want


def test_ages(translate):
    days = lambda n: (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(n)).strftime("%Y-%m-%d")  # noqa: E731
    _, command, _, _ = translate(BOTH + " --maxage 30 --minage 2")
    assert command[-4:] == ["--since", days(30), "--before", days(2)]
    assert translate(BOTH + " --maxage 2 --minage 30")[0] == 1


@pytest.mark.parametrize("line, word", [
    ("--delete1", "source is never changed"), ("--delete2", "--i-understand-deletion"), ("--regextrans2 s/a/b/", "--map"),
    ("--exclude '(a|b)+'", "shell pattern"), ("--minsize 5", "small messages"), ("--regexmess s/a/b/", "never altered"),
    ("--authmech1 CRAM-MD5", "PLAIN"), ("--sslargs1 SSL_verify_mode=0", "--ca-file"), ("--syncacls", "access rights"),
    ("--justfolders", "--dry-run"), ("--search FLAGGED", "--since"), ("--nosyncinternaldates", "always kept")])
def test_no_counterpart_is_said(translate, line, word):
    status, command, remarks, _ = translate(BOTH + " " + line)
    assert status == 1 and command[0] == "mailmover"
    assert "no counterpart" in remarks and word in remarks
    assert not {"--delete-extra", "--i-understand-deletion"} & set(command), "deleting is for a person to ask for"


def test_only_looking_becomes_check(translate):
    for word in ("--justlogin", "--justconnect", "--justfoldersizes"):
        status, command, _, _ = translate(BOTH + " " + word)
        assert status == 0 and command[1] == "check" and "--no-write-probe" in command


def test_gmail_and_office(translate):
    status, command, _, _ = translate("--gmail1 --user1 a@gmail.com --passfile1 f --office2 --user2 b@c.example --passfile2 g")
    assert status == 0
    assert command[3] == "imaps://a%40gmail.com@imap.gmail.com" and command[7] == "imaps://b%40c.example@outlook.office365.com"
    assert command[command.index("--exclude") + 1] == "\\[Gmail]/All Mail"


@pytest.mark.parametrize("option", ["--password1 {}", "--password1={}", "--oauthaccesstoken1 {}", "--oauthdirect1 {}",
                                    "--no-such-option {}", "{}", "--passwrod1 {}", "--passwrod1={}", "--authmech1 {}"])
def test_secrets_are_never_shown(translate, option):
    secret = "Gehe1mnis-9f"
    status, command, remarks, errors = translate(BOTH.replace("--passfile1 /etc/p1", option.format(secret)))
    assert secret not in " ".join(command) + remarks + errors
    if option.startswith(("--password1", "--oauthaccess")):
        assert status == 0 and command[command.index("--from-secret") + 1] == "SECRET1"
        assert ("xoauth2" in command) == ("oauth" in option)


@pytest.mark.parametrize("line, word", [("--host1 a --user1 b", "--host2"), ("--host1 a --host2 b --user1 c", "--user2"),
                                        ("--frobnicate", "frobnicate"), ("--host1", "needs a value")])
def test_not_a_command_line_of_imapsync(translate, line, word):
    status, command, _, errors = translate(line)
    assert status == 2 and command == [] and word in errors


def test_the_translation_is_a_command_that_we_take(translate, program, tmp_path):
    """What comes out is parsed by mailmover itself: it fails at the host, not at an option."""
    for name in "12":
        (tmp_path / name).write_text("secret")
    line = (f"--host1 no-such-host.invalid --user1 a --passfile1 {tmp_path}/1 --host2 no-such-host.invalid --user2 b "
            f"--passfile2 {tmp_path}/2 --folderrec 'A[b]' --f1f2 A=B --automap --maxsize 5000 --maxage 9 --exclude '^x' "
            "--maxbytespersecond 9000 --maxmessagespersecond 5 --debug --dry")
    status, command, _, _ = translate(line)
    assert status == 0
    ran = subprocess.run([program, *command[1:]], capture_output=True, text=True, env=ENVIRON, check=False, cwd=tmp_path)
    assert ran.returncode == 68 and "host.unknown" in ran.stderr, ran.stderr


def test_every_option_of_the_manual_is_known(translate):
    """The names that imapsync's manual lists: each is translated or answered, none is unknown."""
    names = """abort addheader authmd51 authmd52 authmech1 authmech2 authuser1 authuser2 automap compress1 debug debugcontent
        debugcrossduplicates debugflags debugfolders debugimap debugimap1 debugimap2 debugmemory debugssl delete1
        delete1emptyfolders delete2 delete2duplicates delete2folders delete2foldersbutnot delete2foldersonly
        disarmreadreceipts domain1 domain2 domino1 domino2 dry emailreport1 emailreport2 errorsmax exchange1 exchange2 exclude
        exitwhenover expunge1 f1f2 filterbuggyflags folder folderfirst folderlast folderrec gmail1 gmail2 help host1 host2
        idatefromheader include justconnect justfolders justfoldersizes justlogin keepalive1 keepalive2 logdir logfile maxage
        maxbytesafter maxbytespersecond maxlinelength maxmessagespersecond maxsize maxsleep minage minsize noabletosearch
        noabletosearch1 noabletosearch2 noemailreport1 noemailreport2 noexpunge1 noexpunge2 noexpungeaftereach nofoldersizes
        nofoldersizesatend noid nokeepalive1 nolog nomixfolders noreleasecheck noresyncflags noskipcrossduplicates nossl1 nossl2
        nosyncacls nosynclabels notls1 notls2 nouidexpunge2 nousecache oauthaccesstoken1 oauthaccesstoken2 oauthdirect1
        oauthdirect2 office1 office2 passfile1 passfile2 password1 password2 pidfile pidfilelocking pipemess port1 port2 prefix1
        prefix2 proxyauth1 proxyauth2 reconnectretry1 regexflag regexmess regextrans2 releasecheck resyncflags resynclabels
        search search1 search2 sep1 sep2 showpasswords skipcrossduplicates skipemptyfolders skipmess ssl1 ssl2 sslargs1 sslargs2
        subfolder1 subfolder2 subscribe subscribeall subscribed syncacls syncduplicates syncinternaldates synclabels testslive
        testslive6 tests timeout1 timeout2 tls1 tls2 tmpdir truncmess usecache useheader user1 user2 useuid version""".split()
    table = re.findall(r'^(FLAG|VALUE)\("([a-z0-9#]+)"', TABLE.read_text(), re.M)
    takes = {name.replace("#", side): kind == "VALUE" for kind, name in table for side in "12"}
    line = " ".join(f"--{name} 5" if takes.get(name) else f"--{name}" for name in names)
    status, _, _, errors = translate(f"{line} {BOTH}")
    assert status == 1, errors
