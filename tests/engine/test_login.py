"""How mailmover gets in: certificates, TLS versions, each kind of log-in, secrets of any bytes."""

import base64
import hashlib
import ssl

import pytest

from imapd import script
from imapd.server import Server
from imapd.store import Store
from stack import dovecot, imapload
from . import mailmover

USER = "ana@a.example"
ANY_BYTES = bytes(range(1, 256)).replace(b"\n", b"").replace(b"\r", b"")  # what a secret file of one line can hold
ACCEPT = "on AUTHENTICATE each\n    preauth\n    ok welcome\non LOGIN each\n    preauth\n    ok welcome\nexpect exit 0\n"


@pytest.fixture
def serve():
    running = []

    def start(text=ACCEPT, certificate=None, **tls):
        server = Server(Store(), {USER: "x"}, script.parse(("tls implicit\n" if certificate else "") + text), certificate)
        for name, value in tls.items():
            if name == "ciphers":
                server._tls.set_ciphers(value)
            else:
                setattr(server._tls, name, value)
        running.append(server)
        return server
    yield start
    for server in running:
        server.stop()


@pytest.fixture
def check(program, tmp_path, authority):
    """check(server, secret, arguments): a run of `mailmover check` with the server on both sides."""
    def run(server, *arguments, secret=b"x", user=USER, tls=False, ca=True, host="localhost"):
        end = mailmover.Endpoint(server.port, user, "x", "imaps" if tls else "imap", not tls, host)
        engine = mailmover.Engine(program, tmp_path / "run", end, end, ca_file=authority.certificate if ca else None)
        for name in ("from", "to"):
            (tmp_path / f"run/{name}.secret").write_bytes(secret + b"\n")
        got = engine.run("--no-write-probe", *arguments, command="check")
        shown = (got.stderr + str(got.events)).encode("utf-8", "surrogateescape")
        assert secret == b"x" or secret not in shown, "the secret is shown"
        return got
    return run


def said(server):
    """What the client's AUTHENTICATE commands carried, decoded."""
    return {base64.b64decode(text.split(b" ")[-1]) for _, text in server.commands if text.upper().startswith(b"AUTHENTICATE")}


@pytest.mark.parametrize("arguments, offer, user, secret, expected", [
    ([], "AUTH=PLAIN", USER, ANY_BYTES, b"\0%(user)s\0%(secret)s"),
    ([], "AUTH=PLAIN", "ana*master", b"geheim", b"\0%(user)s\0%(secret)s"),
    ([], "AUTH=PLAIN", "j\u00f6 rg/\u00fc@x", b" lead and trail ", b"\0%(user)s\0%(secret)s"),
    (["auth", "plain:box@a.example"], "AUTH=PLAIN", "admin", ANY_BYTES, b"box@a.example\0%(user)s\0%(secret)s"),
    (["auth", "xoauth2"], "AUTH=XOAUTH2", USER, b"ya29.token", b"user=%(user)s\1auth=Bearer %(secret)s\1\1"),
    (["auth", "oauthbearer"], "AUTH=OAUTHBEARER", "a,n=a", b"tok", b"n,a=a=2Cn=3Da,\1host=localhost\1port=%(port)d\1auth=Bearer tok\1\1"),
], ids=["plain, any byte", "master user", "odd user", "plain for another", "xoauth2", "oauthbearer"])
def test_sasl(serve, check, arguments, offer, user, secret, expected):
    server = serve(f"offer IMAP4rev1 SASL-IR {offer}\n" + ACCEPT)
    options = [word for side in ("from", "to") for word in ([f"--{side}-{arguments[0]}", arguments[1]] if arguments else [])]
    got = check(server, *options, secret=secret, user=user)
    assert ("auth", True) in [(s["name"], s["ok"]) for s in got.of("check")], got
    assert said(server) == {expected % {b"user": user.encode(), b"secret": secret, b"port": server.port}}, server.commands


@pytest.mark.long
@pytest.mark.parametrize("user, how", [("ana@a.example*admin", "password"), ("admin", "plain:ana@a.example")])
def test_master_user_of_dovecot(program, tmp_path, place, authority, user, how):
    """An administrator's password opens a mailbox, in both ways that Dovecot knows, and the mail is that one's."""
    directory, masters = place / ("master-" + how.partition(":")[0]), place / "masters"
    masters.write_text("admin:{PLAIN}adm in\n")
    masters.chmod(0o644)  # for the server's user
    server = dovecot.Dovecot(directory.name, directory, authority.issue(directory.name), more=(
        f"auth_master_user_separator = *\npassdb {{\n  driver = passwd-file\n  master = yes\n  result_success = continue\n"
        f"  args = scheme=PLAIN {masters}\n}}\n"))
    server.add_user(USER, "ana's own")
    server.start()
    try:
        loader = imapload.Loader("127.0.0.1", server.tls_port, USER, "ana's own", authority.certificate)
        loader.create("Minha")
        loader.append("Minha", [(b"Subject: mine\r\n\r\nx\r\n", " 5-May-2015 05:05:05 -0300", ())])
        loader.close()
        end = mailmover.Endpoint(server.tls_port, user, "adm in")
        got = mailmover.Engine(program, tmp_path / "run", end, end, ca_file=authority.certificate).run(
            "--from-auth", how, "--to-auth", how, "--no-write-probe", command="check")
        assert got.status == 0, got
        assert [e["messages"] for e in got.of("check") if e["name"] == "list"] == [1, 1], got
    finally:
        server.stop()


def test_login_with_any_byte(serve, check):
    """LOGIN, for servers without AUTH=PLAIN: what cannot be quoted goes as a literal."""
    server = serve("offer IMAP4rev1\n" + ACCEPT)
    check(server, secret=ANY_BYTES)
    logins = [text for _, text in server.commands if text.upper().startswith(b"LOGIN")]
    assert logins and all(ANY_BYTES in text for text in logins), server.commands


@pytest.mark.parametrize("offer, option", [("AUTH=PLAIN", "xoauth2"), ("AUTH=PLAIN", "oauthbearer"),
                                           ("LOGINDISABLED", "password"), ("AUTH=GSSAPI", "plain:other")])
def test_mechanism_not_offered(serve, check, offer, option):
    """Said as it is, and the secret stays at home."""
    server = serve(f"offer IMAP4rev1 {offer}\n" + ACCEPT)
    got = check(server, "--from-auth", option, "--to-auth", option, secret=b"never sent")
    assert got.status == 77 and got.done["code"] == "auth.mechanism", got
    assert b"never sent" not in server.received and base64.b64encode(b"never sent")[:8] not in server.received


def test_token_refused_with_a_challenge(serve, check):
    """RFC 7628: the server explains in a challenge, wants an empty line, then says NO."""
    server = serve("offer IMAP4rev1 SASL-IR AUTH=XOAUTH2\non AUTHENTICATE each\n"
                   "    send + eyJzdGF0dXMiOiI0MDEifQ==\n    stall 0\n    no [AUTHENTICATIONFAILED] Invalid credentials\n"
                   "expect exit 0\n")
    got = check(server, "--from-auth", "xoauth2", "--to-auth", "xoauth2", secret=b"old-token")
    assert got.status == 77 and got.done["code"] == "auth.rejected", got


def failing(check, server, code, *arguments, **more):
    got = check(server, *arguments, tls=True, **more)
    assert got.status == 76 and got.done["code"] == code, got
    assert not server.commands, f"it spoke on: {server.commands}"


def test_certificate_of_another_host(serve, check, authority):
    failing(check, serve(certificate=authority.issue("elsewhere", "DNS:mail.example")), "tls.name_mismatch")


def test_certificate_by_address(serve, check, authority):
    certificate = authority.issue("by-name-only", "DNS:localhost")
    failing(check, serve(certificate=certificate), "tls.name_mismatch", host="127.0.0.1")
    got = check(serve(certificate=authority.issue("by-address", "IP:127.0.0.1")), tls=True, host="127.0.0.1")
    assert ("auth", True) in [(s["name"], s["ok"]) for s in got.of("check")], got


def test_certificate_expired(serve, check, authority):
    failing(check, serve(certificate=authority.issue("expired", days=-1)), "tls.expired")


def test_certificate_of_an_unknown_authority(serve, check, authority):
    failing(check, serve(certificate=authority.issue("unknown")), "tls.untrusted", ca=False)


def test_pinned_fingerprint(serve, check, authority):
    """The pin stands for authority, name and date; another one is refused."""
    certificate = authority.issue("pinned", "DNS:mail.example", days=-1)
    der = ssl.PEM_cert_to_DER_cert(certificate[0].read_text())
    pin = hashlib.sha256(der).hexdigest()
    for form in (pin, ":".join(pin[i:i + 2] for i in range(0, 64, 2)).upper()):
        server = serve(certificate=certificate)
        check(server, "--from-tls-fingerprint", form, "--to-tls-fingerprint", form, tls=True, ca=False)
        assert server.commands, "it did not get in"
    wrong = ("0" if pin[0] != "0" else "1") + pin[1:]
    failing(check, serve(certificate=certificate), "tls.untrusted", "--from-tls-fingerprint", wrong,
            "--to-tls-fingerprint", wrong, ca=False)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_of_old(serve, check, authority, version):
    server = serve(certificate=authority.issue("old"), ciphers="ALL:@SECLEVEL=0", minimum_version=version,
                   maximum_version=version)
    failing(check, server, "tls.failed")


def test_tls_1_2_will_do(serve, check, authority):
    server = serve(certificate=authority.issue("tls12"), maximum_version=ssl.TLSVersion.TLSv1_2)
    check(server, tls=True)
    assert server.commands, "it did not get in"


def test_port_without_tls(serve, check):
    got = check(serve(), tls=True)
    assert got.status == 76 and got.done["code"] in ("tls.failed", "tls.required"), got
