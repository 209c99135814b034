"""DNS and the switch on the page, on real name servers: readiness, the plan, the change, late mail, the way back."""

import base64
import os
import secrets

import pytest

from test_frame import assert_accessible
from stack import mailgen
from stack.bind import Bind, addresses
from stack.exchanger import Exchanger
from stack.stack import Stack

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.geteuid() != 0, reason="BIND needs addresses of its own: root")]
SECRET = base64.b64encode(secrets.token_bytes(32)).decode()
PROBE = "<img src=x onerror=document.title=1>"


@pytest.fixture(scope="module")
def net(tmp_path_factory, build_dir):
    """Two authoritative servers, a resolver, a mail exchanger that is rude, and a stack whose worker asks them."""
    port, at = addresses()
    top = tmp_path_factory.mktemp("bind")
    both = f"@ NS ns1\n@ NS ns2\nns1 A {at(1)}\nns2 A {at(2)}\n"
    usual = both + f'@ MX 10 old\nold A 192.0.2.1\n@ TXT "{PROBE}"\ns1._domainkey TXT "{PROBE}"\n'
    own = usual.replace("@ NS ns2\n", "")
    first = {"trouble.test": (5, usual), "move.test": own, "plan.test": own, "published.test": own + "_imaps._tcp SRV 0 0 9993 imap\n", "new.test": f"@ NS ns1\nns1 A {at(1)}\nmx A {at(5)}\n"}
    low = Bind(top / "a1", at(1), port, first, {"move.test": ("move", SECRET)})
    servers = [low, Bind(top / "a2", at(2), port, {"trouble.test": (3, usual)}),
               Bind(top / "r1", at(9), port, stub={zone: [at(1)] for zone in first})]
    exchanger = Exchanger(at(5), ["move.test"], b"550 5.7.1 " + PROBE.encode())
    for server in servers:
        server.start()
    try:
        with Stack(build_dir, worker_settings={"MIGRATION_DNS_PORT": port, "MIGRATION_DNS_RESOLVERS": at(9),
                                               "MIGRATION_SMTP_PORT": exchanger.port, "MIGRATION_DNS_SECONDS": 20}) as stack:
            exchanger.start()
            stack.net = {"port": port, "at": at, "auth": low}
            yield stack
        assert not stack.sanitizer_reports(), stack.sanitizer_reports()
    finally:
        for server in servers:
            server.stop()
        exchanger.close()


def fill_plan(page, stack, host="mx.new.test"):
    page.type("[name=mx-host]", host + ".")  # as a zone file writes it
    page.type("[name=selectors]", "s1, s2")
    page.click("[name=provider] option[value=rfc2136]")
    page.type("[name=provider-host]", stack.net["at"](1))
    page.type("[name=provider-port]", str(stack.net["port"]))
    page.type("[name=provider-zone]", "move.test")
    page.type("[name=provider-key]", "move")
    page.type("[name=provider-secret]", SECRET)
    page.click("[data-do=plan]")


def ask(page):
    page.click("[data-do=dns-read]")
    page.wait(lambda: page.all("[data-domain] .servers"), "the name servers' answers are not shown")


def test_readiness(net, new_page, build_dir):
    """What is wrong is named in words; what strangers wrote is shown as text; the records to enter stand there."""
    technician = net.client("technician")
    job = technician.create_job("trouble.test", **net.job_servers())
    page = new_page("pt", at=net).resume("technician").open(f"/jobs/{job['id']}/dns")
    page.type("[name=mx-host]", "not a name")
    page.click("[data-do=plan]")
    page.one(".mx-row .field-error")
    assert page.one("[name=mx-host]").get_attribute("value") == "not a name"
    page.type("[name=mx-host]", "mx.new.test")
    page.type("[name=selectors]", "s1")
    page.click("[data-do=plan]")
    page.wait_text("trouble.test. 300 IN MX 10 mx.new.test.", ".zone")
    ask(page)
    page.one("[data-finding='dns.stale']")
    page.one("[data-clock=high]")
    assert "desatualizado" in page.text(".servers")
    assert PROBE in page.text("[data-probe=refused] .raw")
    page.click(".more-options summary")
    page.wait_text(PROBE, ".more-options")
    assert not page.all("main img")
    assert_accessible(page, build_dir)
    page.one("[data-step-id=name_servers][data-state=failed]")
    page.one("[data-step-id=gate][data-state=waiting]")
    # what the role may not do is not offered, and refused
    assert not page.all("[data-do=dns-apply], [data-do=dns-rollback], [data-do=rollback]")
    for path, body in (("dns/apply", {}), ("dns/rollback", {}), ("rollback", {"reason": "forced"})):
        forced = page.fetch("POST", f"/jobs/{job['id']}/{path}", body, {"If-Match": '"x"'})
        assert (forced["status"], forced["body"]["code"]) == (403, "auth.forbidden")


def test_clock_runs(net, new_page):
    """A TTL that was low all along: the clock counts the old TTL that somebody enters, to the second."""
    technician = net.client("technician")
    job = technician.create_job("plan.test", **net.job_servers())
    technician.call("PUT", f"/jobs/{job['id']}/dns", {"mx": [{"preference": 10, "host": "mx.new.test"}], "low_ttl": 3600, "previous_ttl": 90000})
    technician.wait_runs([technician.post(f"/jobs/{job['id']}/dns/read")], 60)
    page = new_page(at=net).resume("technician").open(f"/jobs/{job['id']}/dns")
    page.one("[data-clock=waiting]")
    first = page.text(".countdown")
    assert first.startswith("1 d "), first
    page.wait(lambda: page.text(".countdown") != first)
    technician.call("PUT", f"/jobs/{job['id']}/dns", {"mx": [{"preference": 10, "host": "mx.new.test"}], "low_ttl": 3600, "previous_ttl": 1})
    page.one("[data-clock=safe]")  # the page looks again by itself


def test_two_plans(net, new_page):
    """Somebody else saves a plan while one is being typed: nothing typed is lost, and it is said."""
    technician = net.client("technician")
    job = technician.create_job("other.plan.test", **net.job_servers())
    page = new_page(at=net).resume("technician").open(f"/jobs/{job['id']}/dns")
    page.type("[name=mx-host]", "mine.new.test")
    technician.call("PUT", f"/jobs/{job['id']}/dns", {"mx": [{"preference": 5, "host": "theirs.new.test"}]})
    page.one("[data-plan] .notice.warn")
    assert page.one("[name=mx-host]").get_attribute("value") == "mine.new.test"
    page.click("[data-plan] .notice.warn button")
    page.wait(lambda: page.one("[name=mx-host]").get_attribute("value") == "theirs.new.test")


def test_switch_and_way_back(net, new_page, build_dir):
    technician, bind, user = net.client("technician"), net.net["auth"], "ana@move.test"
    old = bind.mx("move.test")[0]
    generator = mailgen.Generator(user, 1)
    net.add_mail_account(user, [mailgen.Folder("INBOX", True, [generator.message(attachment=0, flags=()) for _ in range(4)])])
    job = technician.create_job("move.test", **net.job_servers())
    technician.add_mailboxes(job["id"], [net.mailbox_request(user)])
    for kind, more in (("sync", {"pass_": "final"}), ("verify", {})):
        technician.do(job["id"], kind, 60, **more)
    where = f"/jobs/{job['id']}/dns"

    page = new_page(at=net).resume("lead").open(where)
    fill_plan(page, net)
    page.wait(lambda: page.one("[name=provider-secret]").get_attribute("placeholder") == "stored")
    assert page.one("[name=provider-secret]").get_attribute("value") == ""
    assert SECRET not in page.driver.page_source
    page.type("[name=ttl]", "1")
    page.click("[data-do=plan]")
    page.wait_text("move.test. 1 IN MX 10 mx.new.test.", ".zone")
    assert page.one("[data-why]").get_attribute("data-why") == "gate"
    assert not page.one("[data-do=dns-apply]").is_enabled()
    net.client("lead").approve(job["id"])
    page.wait(lambda: page.one("[data-do=dns-apply]").is_enabled(), "the change is not offered")
    page.click("[data-do=dns-apply]")
    page.type("dialog [name=domain]", "wrong.test")
    assert not page.one("dialog button[type=submit]").is_enabled()
    page.type("dialog [name=domain]", "MOVE.test")
    page.click("dialog button[type=submit]")
    page.one(".changes [data-set=new]")
    assert bind.mx("move.test")[0] == ["10 mx.new.test."]
    page.one("[data-event=applied]")
    page.one("[data-stragglers]")
    page.one("[data-step-id=mx_changed][data-state=done]")
    page.wait_text("The old server may be shut down.", "main")  # quiet for three TTLs of one second
    ask(page)
    page.wait_text("10 mx.new.test", ".servers")
    page.one("[data-step-id=new_server_accepts][data-state=done]")

    assert_accessible(page, build_dir)
    page.click("[data-do=rollback]")
    page.type("dialog [name=reason]", f"rehearsal {PROBE}")
    page.type("dialog [name=domain]", "move.test")
    page.click("dialog button[type=submit]")
    page.gone("dialog")
    page.one("[data-back] [data-status=succeeded]")
    page.one("[data-event=rolled_back]")
    page.wait(lambda: bind.mx("move.test")[0] == old, "the old records are not back")
    assert technician.gate("move.test")["verdict"] == "blocked"
    ask(page)
    page.wait_text("Before:", ".servers thead")  # what was seen first, beside what stands now
    page.wait_text("10 old.move.test", ".servers")
    assert not page.all("main img")


def test_the_server_that_a_domain_publishes(net, new_page):
    """The new migration's form offers it, and takes host, port and encryption over."""
    page = new_page("pt", at=net).resume("technician").open("/new")
    page.type("[name=domains]", "published.test")
    page.click(".find-server button")
    page.wait(lambda: "imap.published.test:9993" in page.texts(".guesses button"))
    assert "_imaps._tcp.published.test" in page.text(".guesses")
    page.click(".guesses button", "imap.published.test:9993")
    values = [page.one(f"[name=source-{name}]").get_attribute("value") for name in ("host", "port", "tls")]
    assert values == ["imap.published.test", "9993", "tls"]
    assert not page.strangers()
