"""Where a domain's mail is, as its owner publishes it: SRV, autoconfig, the providers' database, a hint by the MX; asked
of a real BIND and a real nginx. What strangers publish leads nobody to the inside, and has limits."""

import os
import socket
import threading

import pytest

from stack import process, wait
from stack.bind import Bind, addresses
from stack.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    os.geteuid() != 0, reason="BIND listens only on addresses that an interface has, nginx on port 443: root")]

SERVER = ("<incomingServer type='imap'><hostname>{host}</hostname><port>{port}</port><socketType>{tls}</socketType>"
          "<username>%EMAILADDRESS%</username></incomingServer>")
NGINX = """user root; daemon off; worker_processes 1; pid {dir}/pid; error_log {dir}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {dir}/access.log; types {{ }} default_type text/xml;
    client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    ssl_certificate {cert}; ssl_certificate_key {key};
    server {{
        listen {address}:443 ssl; server_name _; root {dir}/sites/$host;
        location / {{ }}
    }}
    server {{ listen {address}:443 ssl; server_name autoconfig.lured.test; return 302 https://inside.lured.test/secret; }}
    server {{ listen {address}:443 ssl; server_name autoconfig.plain.test; return 302 http://autoconfig.auto.test/mail/config-v1.1.xml; }}
    server {{ listen {address}:443 ssl; server_name autoconfig.moved.test; return 302 https://autoconfig.auto.test/mail/config-v1.1.xml; }}
    server {{ listen {address}:443 ssl; server_name autoconfig.round.test; return 302 https://autoconfig.round.test/mail/again; }}
}}
"""


def document(*servers):
    return "<clientConfig><emailProvider>" + "".join(SERVER.format(**s) for s in servers) + "</emailProvider></clientConfig>"


IMAPS = {"port": 993, "tls": "SSL"}
DOCUMENTS = {
    "autoconfig.auto.test/mail/config-v1.1.xml": document({"host": "plain.%EMAILDOMAIN%", "port": 143, "tls": "plain"}, {"host": "imap.%EMAILDOMAIN%", **IMAPS},
                                                          {"host": "imap.%EMAILDOMAIN%", "port": 143, "tls": "STARTTLS"}),
    "well.test/.well-known/autoconfig/mail/config-v1.1.xml": document({"host": "mail.well.test", **IMAPS}),
    "ispdb.test/v1.1/listed.test": document({"host": "imap.listed.test", **IMAPS}),
    "ispdb.test/v1.1/provider.test": document({"host": "imap.provider.test", **IMAPS}),
    "autoconfig.big.test/mail/config-v1.1.xml": "<!--" + "x" * 300_000 + "-->" + document({"host": "imap.big.test", **IMAPS}),
    "autoconfig.bomb.test/mail/config-v1.1.xml": "<!DOCTYPE a [<!ENTITY h 'imap.bomb.test'>]>" + document({"host": "&h;", **IMAPS}),
    "autoconfig.hostile.test/mail/config-v1.1.xml": document({"host": "&lt;img src=x onerror=alert(1)&gt;.test", **IMAPS}, {"host": "127.0.0.1", **IMAPS}),
    "autoconfig.broken.test/mail/config-v1.1.xml": document({"host": "imap.broken.test", **IMAPS})[:-5],
    "autoconfig.untrusted.test/mail/config-v1.1.xml": document({"host": "imap.untrusted.test", **IMAPS}),
}


class Listener(threading.Thread):
    """Counts who comes to an address of the inside, at port 443."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.socket = socket.create_server((address, 443))
        self.seen = 0

    def run(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.seen += 1


@pytest.fixture(scope="module")
def net(tmp_path_factory, build_dir):
    port, at = addresses()
    top = tmp_path_factory.mktemp("autodiscover")
    top.chmod(0o755)
    web, inside = at(5), at(6)
    usual = f"@ NS ns1\nns1 A {at(1)}\n@ MX 10 mx\nmx A 192.0.2.1\n"
    names = ("auto", "big", "bomb", "hostile", "broken", "untrusted", "lured", "plain", "moved", "round")
    zones = {f"{name}.test": usual + f"autoconfig A {web}\n" for name in names}
    zones["lured.test"] += f"inside A {inside}\n"
    zones.update({
        "srv.test": usual + "_imaps._tcp SRV 10 1 9993 later.srv.test.\n_imaps._tcp SRV 5 9 993 imap.srv.test.\n_imap._tcp SRV 0 0 143 imap.srv.test.\n",
        "nosrv.test": usual + "_imaps._tcp SRV 0 0 0 .\n_imap._tcp SRV 0 0 143 .\n",
        "well.test": usual + f"@ A {web}\n", "listed.test": usual, "ispdb.test": usual + f"@ A {web}\n", "provider.test": usual,
        "hosted.test": usual.replace("MX 10 mx\n", "MX 20 mx.hosted.test.\n@ MX 10 mx1.mail.provider.test.\n"),
        "inside.test": usual + f"autoconfig A {inside}\n", "both.test": usual + f"autoconfig A {web}\nautoconfig A {inside}\n",
    })
    stack = Stack(build_dir, mail=False, worker_settings={
        "MIGRATION_DNS_PORT": port, "MIGRATION_DNS_RESOLVERS": at(9), "MIGRATION_DNS_SECONDS": 20,
        "MIGRATION_ISPDB_URL": "https://ispdb.test/v1.1/", "MIGRATION_AUTOCONFIG_NETWORKS": f"{web}/32"})
    hosts = sorted({name.split("/")[0] for name in DOCUMENTS} | {f"autoconfig.{n}.test" for n in names} | {"autoconfig.both.test"})
    certificate, key = stack.ca.issue("web", ",".join("DNS:" + h for h in hosts if "untrusted" not in h))
    for name, text in DOCUMENTS.items():
        path = top / "web/sites" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (top / "web/nginx.conf").write_text(NGINX.format(dir=top / "web", address=web, cert=certificate, key=key), encoding="utf-8")
    for path in (top / "web").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    servers = [Bind(top / "a1", at(1), port, zones), Bind(top / "r1", at(9), port, stub={zone: [at(1)] for zone in zones})]
    nginx = process.Process("nginx", ["/usr/sbin/nginx", "-p", top / "web", "-e", "stderr", "-c", top / "web/nginx.conf"], top / "web.log")
    listener = Listener(inside)
    listener.start()
    try:
        for server in servers:
            server.start()
        nginx.start()
        nginx.wait_ready(lambda: wait.can_connect(443, host=web))
        with stack:
            yield {"stack": stack, "listener": listener, "log": top / "web/access.log"}
        assert not stack.sanitizer_reports(), stack.sanitizer_reports()
    finally:
        nginx.stop()
        listener.socket.close()
        for server in servers:
            server.stop()


@pytest.fixture
def found(net):
    """found(domain): [(how, host, port, tls)]."""
    def look(domain):
        technician = net["stack"].client("technician")
        job = technician.create_job(domain)
        run, = technician.wait_runs([technician.post(f"/jobs/{job['id']}/dns/read", {"autodiscover": True})], 120)
        assert run["status"] == "succeeded", (run["code"], run["message"])
        seen = technician.get(f"/jobs/{job['id']}/dns")["domains"][0]["last"]["seen"]
        technician.delete(f"/jobs/{job['id']}")
        return [(m["how"], m["host"], m["port"], m["tls"]) for m in seen["mail"]]
    return look


@pytest.mark.parametrize("domain,expected", [
    ("srv.test", [("srv", "imap.srv.test", 993, "tls"), ("srv", "imap.srv.test", 143, "starttls")]),
    ("nosrv.test", []),
    ("auto.test", [("autoconfig", "imap.auto.test", 993, "tls"), ("autoconfig", "imap.auto.test", 143, "starttls")]),
    ("well.test", [("autoconfig", "mail.well.test", 993, "tls")]),
    ("listed.test", [("ispdb", "imap.listed.test", 993, "tls")]),
    ("hosted.test", [("mx", "imap.provider.test", 993, "tls")]),
    ("moved.test", [("autoconfig", "imap.moved.test", 993, "tls"), ("autoconfig", "imap.moved.test", 143, "starttls")]),
])
def test_each_way_to_publish_it(found, domain, expected):
    assert found(domain) == expected


@pytest.mark.parametrize("domain", ["inside.test", "both.test", "lured.test"])
def test_nobody_is_led_to_the_inside(net, found, domain):
    assert found(domain) == []
    assert net["listener"].seen == 0


@pytest.mark.parametrize("domain", ["big.test", "bomb.test", "hostile.test", "broken.test", "untrusted.test", "plain.test", "round.test"])
def test_what_is_not_to_be_believed(net, found, domain):
    assert found(domain) == []
    if domain == "round.test":
        asked = net["log"].read_text(encoding="utf-8").count("GET /mail/")
        assert asked < 30  # of all these tests: a circle is left


def test_only_when_asked(net):
    """A look at DNS for the switch asks nobody for documents; what is not known in the request is refused."""
    technician = net["stack"].client("technician")
    job = technician.create_job("auto.test")
    before = net["log"].read_text(encoding="utf-8")
    run, = technician.wait_runs([technician.post(f"/jobs/{job['id']}/dns/read")], 120)
    assert run["status"] == "succeeded"
    assert "mail" not in technician.get(f"/jobs/{job['id']}/dns")["domains"][0]["last"]["seen"]
    assert net["log"].read_text(encoding="utf-8") == before
    assert technician.request("POST", f"/jobs/{job['id']}/dns/read", {"autodiscover": "yes"}).status == 422
    assert technician.request("POST", f"/jobs/{job['id']}/dns/read", {"other": 1}).status == 422
    technician.delete(f"/jobs/{job['id']}")
