"""What preflight says when something is wrong: a stable code, the side, and what to do about it."""

import pytest

from stack import certs, wait
from stack.dovecot import Dovecot

OTHER_SIDE = {"source": "destination", "destination": "source"}


@pytest.fixture(scope="module")
def stranger(stack):
    """A server whose certificate nobody here trusts."""
    authority = certs.Authority(stack.paths.top / "strangers-ca", "An unknown CA")
    server = Dovecot("stranger", stack.paths.top / "stranger", authority.issue("stranger"))
    server.add_user("ana@x.example", "secret-of-ana")
    yield server.start()
    server.stop()


@pytest.fixture(scope="module")
def misnamed(stack):
    """A server whose certificate is trusted, but carries another name."""
    server = Dovecot("misnamed", stack.paths.top / "misnamed",
                     stack.ca.issue("misnamed", "DNS:mail.elsewhere.example"))
    server.add_user("ana@x.example", "secret-of-ana")
    yield server.start()
    server.stop()


def wrong_password(stack, side, request):
    request[side]["secret"] = "not the password"


def refused_port(stack, side, request):
    request[side].update(host="127.0.0.1", port=wait.free_port(), tls="tls")


def unknown_host(stack, side, request):
    request[side].update(host="no-such-host.invalid", port=993, tls="tls")


def host_down(stack, side, request):
    # 127.0.0.0/8 answers everywhere; an address of the documentation range never does
    request[side].update(host="192.0.2.77", port=993, tls="tls")


def plain_where_tls(stack, side, request):
    server = getattr(stack, side)
    request[side].update(host="127.0.0.1", port=server.starttls_port, tls="tls")


CASES = [
    (wrong_password, {"auth.rejected"}),
    (refused_port, {"host.refused"}),
    (unknown_host, {"host.unknown"}),
    (host_down, {"host.unreachable", "line.timeout"}),
    (plain_where_tls, {"tls.failed"}),
]


def preflight(stack, technician, domain, request):
    job = technician.create_job(domain, **stack.job_servers())
    technician.add_mailboxes(job["id"], request)
    return technician.do(job["id"], "preflight", seconds=180)[0]


@pytest.mark.parametrize("side", ["source", "destination"])
@pytest.mark.parametrize("spoil,codes", CASES, ids=[c[0].__name__ for c in CASES])
def test_says_which(stack, domain, spoil, codes, side):
    user = f"ana@{domain}"
    stack.add_mail_account(user)
    request = stack.mailbox_request(user)
    spoil(stack, side, request)
    assert_refused(preflight(stack, stack.client("technician"), domain, request), codes)


@pytest.mark.parametrize("side", ["source", "destination"])
def test_untrusted_certificate(stack, domain, side, stranger):
    assert_refused(_at(stack, domain, side, stranger), {"tls.untrusted"})
    assert "Login: user=<ana@x.example>" not in stranger.log()


@pytest.mark.parametrize("side", ["source", "destination"])
def test_certificate_of_another_name(stack, domain, side, misnamed):
    assert_refused(_at(stack, domain, side, misnamed), {"tls.name_mismatch"})
    assert "Login: user=<ana@x.example>" not in misnamed.log()


def test_remedy_in_portuguese(stack, domain):
    user = f"ana@{domain}"
    stack.add_mail_account(user)
    request = stack.mailbox_request(user)
    wrong_password(stack, "source", request)
    run = preflight(stack, stack.client("technician"), domain, request)
    told = stack.client("technician", language="pt-BR,pt;q=0.9").get(f"/runs/{run['id']}")
    assert (told["code"], "palavra-passe" in told["remedy"]) == ("auth.rejected", True)


def _at(stack, domain, side, server):
    user = f"ana@{domain}"
    stack.add_mail_account(user)
    request = stack.mailbox_request(user)
    request[side].update(host="127.0.0.1", port=server.tls_port, tls="tls", user="ana@x.example", secret="secret-of-ana")
    return preflight(stack, stack.client("technician"), domain, request)


def assert_refused(run, codes):
    assert run["status"] == "failed", run
    assert run["code"] in codes, (run["code"], run["message"])
    assert run["remedy"] and run["message"]
