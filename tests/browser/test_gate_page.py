"""The gate's screen: each fact, who approves, sets aside and takes back; the new server's accounts; the certificate."""

import hashlib

import pytest
from selenium.webdriver.common.keys import Keys

import owner
from test_frame import assert_accessible
from stack import mailgen

pytestmark = pytest.mark.long


def deliver(stack, user, count):
    generator = mailgen.Generator(user, 1)
    stack.add_mail_account(user, [mailgen.Folder("INBOX", True, [generator.message(attachment=0, flags=()) for _ in range(count)])])


@pytest.fixture
def proven(stack, domain):
    """A job of two mailboxes, moved by a final pass and verified."""
    users = [f"{name}@{domain}" for name in ("ana", "bruno")]
    for user in users:
        deliver(stack, user, 4)
    technician = stack.client("technician")
    job = technician.create_job(domain, **stack.job_servers())
    technician.add_mailboxes(job["id"], [stack.mailbox_request(user) for user in users])
    for kind, more in (("sync", {"pass_": "final"}), ("verify", {})):
        assert all(r["status"] == "succeeded" for r in technician.do(job["id"], kind, 60, **more))
    return job, users


def fact(page, name):
    return page.one(f"[data-fact={name}]").get_attribute("data-state")


def settled(page, name, state):
    page.wait(lambda: fact(page, name) == state, f"{name} is not {state}")


def test_decided_by_those_who_may(stack, proven, new_page, domain):
    job, users = proven
    path = f"/jobs/{job['id']}/gate"
    reader = stack.bearer("gate_reader")

    page = new_page().resume("technician").open(path)
    for name in ("mailboxes", "verified", "complete", "source", "everyone", "still", "final"):
        settled(page, name, "done")
    assert fact(page, "approved") == "open"
    assert not page.all("[data-do=approve], [data-do=override], [data-do=revoke]")
    etag = stack.client("technician").verification(job["id"])[1]
    for verb, body in (("approve-gate", {"mailboxes": 2}), ("override-gate", {"mailboxes": 2, "reason": "forced by hand"}),
                       ("revoke-gate", {"reason": "forced by hand"})):
        assert page.fetch("POST", f"/jobs/{job['id']}/{verb}", body, {"If-Match": etag})["status"] == 403

    lead = new_page("pt").resume("lead").open(path)
    lead.one("[data-do=approve]")
    assert not lead.all("[data-do=override]")
    assert lead.fetch("POST", f"/jobs/{job['id']}/override-gate", {"mailboxes": 2, "reason": "forced by hand"},
                      {"If-Match": etag})["status"] == 403
    # by keyboard: the dialog takes the focus, Escape gives it back
    lead.driver.execute_script("arguments[0].focus()", lead.one("[data-do=approve]"))
    lead.press(Keys.ENTER)
    lead.one("dialog")
    lead.press(Keys.ESCAPE)
    lead.gone("dialog")
    assert lead.driver.switch_to.active_element.get_attribute("data-do") == "approve"
    lead.press(Keys.ENTER)
    lead.one("dialog [name=mailboxes]")
    lead.press("2", Keys.TAB, "visto <b>por mim</b>", Keys.ENTER)
    lead.one(".gate-panel [data-verdict=ready_for_dns]")
    assert "visto <b>por mim</b>" in lead.text(".said")
    assert reader.gate(domain)["verdict"] == "ready_for_dns"
    page.one(".gate-panel [data-verdict=ready_for_dns]")  # the technician's page follows by itself
    settled(page, "approved", "done")

    lead.click("[data-do=revoke]")
    lead.type("dialog [name=reason]", "enganei-me")
    lead.click("dialog button[type=submit]")
    lead.gone(".gate-panel [data-verdict=ready_for_dns]")
    assert reader.gate(domain)["verdict"] == "warning"

    # a super admin sets aside what is open: a reason, then the domain in the person's own hand
    stack.client("technician").do(job["id"], "sync", 60, pass_="delta")
    admin = new_page().resume("admin").open(path)
    settled(admin, "final", "open")
    admin.click("[data-do=override]")
    admin.type("dialog [name=reason]", "agreed with the customer on the telephone")
    admin.click("dialog button[type=submit]")
    admin.type("dialog [name=domain]", "another.example")
    assert not admin.one("dialog button[type=submit]").is_enabled()
    admin.type("dialog [name=domain]", domain)
    admin.click("dialog button[type=submit]")
    admin.one(".gate-panel [data-verdict=ready_for_dns]")
    settled(admin, "final", "covered")
    assert "telephone" in admin.text(".said blockquote")
    assert reader.gate(domain)["verdict"] == "ready_for_dns"


def test_accounts_of_the_new_server(stack, proven, new_page, domain, build_dir):
    job, users = proven
    page = new_page().resume("technician").open(f"/jobs/{job['id']}/gate")
    page.click("[data-do=accounts]")
    page.type("[name=accounts]", f"Account;Name\nAna <{users[0]}>;Ana\nnobody;x")
    assert "Line 3" in page.text("[data-accounts] .notice.bad")
    assert not page.one("[data-accounts] button[type=submit]").is_enabled()
    page.type("[name=accounts]", f"Account;Name\nAna <{users[0]}>;Ana\n{users[1].upper()};\n info@{domain} ;<img src=x onerror=alert(1)>\nsales@{domain};")
    page.click("[data-accounts] button[type=submit]")
    page.wait(lambda: len(page.all(".accounts li")) == 2)
    settled(page, "everyone", "open")
    assert not page.all(".accounts input")
    forced = page.fetch("POST", f"/jobs/{job['id']}/accounts/accept", {"accounts": [f"info@{domain}"], "reason": "forced"})
    assert forced["status"] == 403

    lead = new_page().resume("lead").open(f"/jobs/{job['id']}/gate")
    lead.one(".accounts input")
    assert_accessible(lead, build_dir)
    for box in lead.wait(lambda: lead.all(".accounts input")):
        box.click()
    lead.type("[data-accept-accounts] textarea", "shared addresses, made by hand")
    lead.click("[data-accept-accounts] button[type=submit]")
    lead.wait(lambda: len(lead.all(".accounts .pill.good")) == 2)
    settled(lead, "everyone", "done")


def test_report_and_certificate(stack, proven, new_page, build_dir):
    job, _ = proven
    page = new_page("pt").resume("technician").open(f"/jobs/{job['id']}/gate")
    page.click("[data-do=report]")
    shown = page.text("[data-hash]")
    technician = stack.client("technician")
    assert hashlib.sha256(technician.call("GET", f"/jobs/{job['id']}/certificate.json").body).hexdigest() == shown
    assert len(page.all("[data-report] a[download]")) == 3
    for link in page.all("[data-report] a[download]"):
        status = page.driver.execute_async_script(
            "const [url, done] = arguments; fetch(url).then((r) => done(r.status + ' ' + r.headers.get('Content-Disposition')))",
            link.get_attribute("href"))
        assert status.startswith("200 attachment"), status
    assert_accessible(page, build_dir)
    first = shown
    page.click("[data-do=report]")
    page.wait(lambda: page.all("[data-hash]") and page.text("[data-hash]") != first)


def test_shrunken_source_is_accepted(stack, new_page, domain):
    """The number that is accepted is the one that the evidence has."""
    user = f"ana@{domain}"
    deliver(stack, user, 6)
    technician = stack.client("technician")
    job = technician.create_job(domain, **stack.job_servers())
    technician.add_mailboxes(job["id"], [stack.mailbox_request(user)])
    technician.do(job["id"], "sync", 60, pass_="initial")
    owner.remove(stack, stack.source, user, "1:3")
    technician.do(job["id"], "sync", 60, pass_="final")
    technician.do(job["id"], "verify", 60)
    assert "source.shrank" in {r["code"] for r in technician.gate(domain)["reasons"]}
    page = new_page().resume("lead").open(f"/jobs/{job['id']}/gate")
    page.click("[data-reason='source.shrank'] button")
    page.type("dialog textarea", "the owner has tidied up")
    page.click("dialog button[type=submit]")
    page.gone("dialog")
    settled(page, "source", "done")


def test_the_new_server_is_asked_for_its_accounts(new_stack, new_page, stack, domain):
    """Offered where a setting says how to ask; what goes wrong is said in words, and the list stays as it was."""
    ssh = {"MIGRATION_CARBONIO_SSH": "root@127.0.0.1:1"}
    able = new_stack(mail=False, api_settings=ssh, worker_settings=ssh)
    technician = able.client("technician")
    job = technician.create_job(domain)["id"]
    technician.post(f"/jobs/{job}/accounts", {"accounts": [f"ana@{domain}"]})
    page = new_page("pt", at=able).resume("technician").open(f"/jobs/{job}/gate")
    page.click("[data-do=accounts-read]")
    page.one("[data-accounts] .notice.bad")
    page.one("[data-do=accounts-read]:enabled")
    assert technician.get(f"/jobs/{job}/accounts")["listed"] == 1
    other = stack.client("technician").create_job(domain)["id"]
    page = new_page().resume("technician").open(f"/jobs/{other}/gate")
    page.one("[data-do=accounts]")
    assert not page.all("[data-do=accounts-read]")
