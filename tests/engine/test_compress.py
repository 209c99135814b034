"""COMPRESS=DEFLATE against a real server, and what makes the engine use it."""

import pytest

from stack import dovecot, mailgen
from stack.proxy import Proxy
from . import oddities
from .case import Case, prepare

DATE = " 5-May-2015 05:05:05 -0300"
PLUGIN = "protocol imap {\n  mail_plugins = imap_zlib\n}\n"


@pytest.fixture(scope="module")
def squeezing(place, authority):
    pair = [dovecot.Dovecot(name, place / name, authority.issue(name), more=PLUGIN) for name in ("z-from", "z-to")]
    prepare(*pair, users=10)
    for server in pair:
        server.start()
    yield pair
    for server in pair:
        server.stop()


@pytest.fixture
def case(program, tmp_path, authority, squeezing):
    return Case(program, tmp_path, authority, *squeezing)


@pytest.mark.long
def test_compressed_both_ways(case):
    case.fill_mailbox(mailgen.Generator(case.user, 21).mailbox(messages=120, biggest=2 << 20))
    before = case.read(case.source)
    first = case.engine.run("--compress", "always")
    assert first.status == 0, first
    case.check(first, source=before)
    again = case.engine.run("--compress", "always")
    assert again.status == 0 and again.done["messages_copied"] == 0, again


@pytest.mark.long
@pytest.mark.parametrize("slow", ["source", "destination"])
def test_a_slow_line_is_compressed(case, slow):
    """With the default: a side is compressed when its line is slow, and only that side."""
    text = b"Segue em anexo o contrato assinado; favor confirmar o recebimento desta mensagem.\r\n" * 2000
    case.fill([("INBOX", True, [(oddities.message(f"lenta {n}", text), DATE, ()) for n in range(500)])])  # the kernels alone hold 20 MB
    ports = {}
    rates = {"source": 0, "destination": 0, slow: 3_000_000}
    proxies = []
    for side, server in (("source", case.source), ("destination", case.destination)):
        proxy = Proxy(case.directory, server.tls_port, side, upstream_ca=case.authority.certificate, rate=rates[side],
                      window=1 << 20)
        proxies.append(proxy.start())
        ports[side] = proxy.port
    run = case.new_engine("slow", ports["source"], ports["destination"]).run("--verbose", "--max-connections", "1", timeout=300)
    for proxy in proxies:
        proxy.stop()
    assert run.status == 0, run
    case.check(run)
    assert f"{slow}: the line is the limit" in run.stderr, run
    assert run.stderr.count("the line is the limit") == 1, run
    assert run.stderr.count("compressed from here on") == 1, run
