"""When things go wrong the page says what happened, keeps what was typed, and recovers by itself."""

import pytest
from selenium.webdriver.common.keys import Keys


@pytest.mark.long
def test_session_ends_while_typing(stack, page, domain):
    page.open().sign_in("technician")
    page.open("/new")
    page.type("[name=domains]", domain)
    page.type("[name=source-host]", "mail." + domain)
    assert page.fetch("DELETE", "/session")["status"] == 204
    page.click("form button[type=submit]")
    page.type("dialog [name=password]", stack.password("technician") + Keys.ENTER)
    page.one(".grid")  # the job was made by the request that waited
    jobs = stack.client("technician").get(f"/jobs?domain={domain}")["items"]
    assert [j["source"]["host"] for j in jobs] == ["mail." + domain]


@pytest.mark.long
def test_wrong_password_at_sign_in(stack, page):
    page.open()
    page.type("[name=user]", "technician")
    page.type("[name=password]", "wrong" + Keys.ENTER)
    assert "User name or password is wrong" in page.text(".notice.bad")
    assert page.one("[name=user]").get_attribute("value") == "technician"


@pytest.mark.long
def test_service_goes_and_comes_back(new_stack, new_page, domain):
    stack = new_stack(mail=False, with_worker=False)
    page = new_page(at=stack).open().sign_in("technician")
    page.open("/new")
    page.type("[name=domains]", domain)
    page.type("[name=source-host]", "mail." + domain)
    stack.pools.stop()
    page.click("form button[type=submit]")
    page.one(".banner")
    assert page.one("[name=domains]").get_attribute("value") == domain
    stack.pools.start()
    page.one(".grid")  # the request that waited was answered
    page.gone(".banner")
    assert len(stack.client("technician").get(f"/jobs?domain={domain}")["items"]) == 1


@pytest.mark.long
def test_mistakes_are_named_at_their_field(stack, page, domain):
    page.resume("technician").open("/new")
    page.click("form button[type=submit]")
    assert page.driver.switch_to.active_element.get_attribute("name") == "domains"
    page.type("[name=domains]", "not a domain")
    page.type("[name=source-host]", "mail." + domain)
    page.click("form button[type=submit]")
    page.one(".notice.bad")
    page.type("[name=domains]", domain)
    page.click("form button[type=submit]")
    page.one(".grid")
    page.paste(".grid [name=source_user]", f"a@{domain};x\na@{domain};y\nb c@{domain};z")
    page.click("form button[type=submit]")
    errors = page.texts(".field-error")
    assert any("row 1" in e for e in errors) and any("space" in e for e in errors)


def test_hostile_text_is_shown_as_text(stack, page, domain):
    technician = stack.client("technician")
    probe = "<img src=x onerror=alert(1)>"
    job = technician.create_job(domain, ticket=probe, title=probe + "{{7*7}}", **stack.job_servers())
    technician.add_mailboxes(job["id"], [{"source": {"user": probe, "secret": "x"}, "destination": {"user": probe, "secret": "x"}}])
    page.resume("technician").open(f"/jobs/{job['id']}")
    page.wait_text(probe, ".mailboxes")
    page.wait_text(probe, ".lead")
    assert not page.all("main img")


@pytest.mark.long
def test_approval_of_facts_that_moved(stack, new_page, domain, new_job):
    """Somebody starts a pass while the lead reads: 412, and the dialog shows what changed."""
    technician, job, users = new_job(stack, domain, messages=20)
    for kind, more in (("sync", {"pass_": "final"}), ("verify", {})):
        assert [r["status"] for r in technician.do(job["id"], kind, **more)] == ["succeeded"]
    page = new_page().resume("lead").open(f"/jobs/{job['id']}/gate")
    page.click("[data-do=approve]")
    page.type("dialog [name=mailboxes]", "1")
    technician.post(f"/jobs/{job['id']}/sync", {"pass": "delta"})
    page.click("dialog button[type=submit]")
    page.one("dialog [data-changes] li")
    assert stack.bearer("gate_reader").gate(domain)["verdict"] != "ready_for_dns"


@pytest.mark.long
def test_a_plan_survives_what_goes_wrong(new_stack, new_page, domain):
    """The service away, a line that answers after seconds, a session that ends: what was typed is there, then saved."""
    stack = new_stack(mail=False, with_worker=False)
    technician = stack.client("technician")
    job = technician.create_job(domain)
    plan = f"/jobs/{job['id']}/dns"
    page = new_page(at=stack).open().sign_in("technician").open(plan)
    page.type("[name=mx-host]", "mx1.new.example")
    stack.pools.stop()
    page.click("[data-do=plan]")
    page.one(".banner")
    page.one("[data-plan] .notice.bad")
    assert page.one("[name=mx-host]").get_attribute("value") == "mx1.new.example"
    stack.pools.start()
    page.gone(".banner")
    page.click("[data-do=plan]")
    page.wait_text("10 mx1.new.example.", ".zone")

    page.type("[name=mx-host]", "mx2.new.example")
    page.driver.execute_cdp_cmd("Network.enable", {})
    slow = {"offline": False, "latency": 7000, "downloadThroughput": 20_000, "uploadThroughput": 20_000}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", slow)
    page.click("[data-do=plan]")
    page.wait_text("slow to answer", ".banner")
    page.wait_text("10 mx2.new.example.", ".zone")
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {**slow, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})
    page.gone(".banner")

    page.type("[name=mx-host]", "mx3.new.example")
    assert page.fetch("DELETE", "/session")["status"] == 204
    page.click("[data-do=plan]")
    page.type("dialog [name=password]", stack.password("technician") + Keys.ENTER)
    page.wait_text("10 mx3.new.example.", ".zone")
    assert technician.get(plan)["plan"]["mx"] == [{"preference": 10, "host": "mx3.new.example"}]


@pytest.mark.long
def test_a_module_that_does_not_come_is_asked_for_again(stack, page):
    """A line that breaks while the page loads leaves no empty window: the page says so, and comes by itself."""
    page.resume("technician").one(".topbar")
    page.driver.execute_cdp_cmd("Network.enable", {})
    for module in ("*/js/cell.js", "*/words/en/frame.js"):
        page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": [module]})
        page.driver.refresh()
        page.wait_text("did not arrive", ".starting")
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        page.one(".topbar")
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page._collect()  # what the console said of the blocked modules is expected  # pylint: disable=protected-access
    page._console = [e for e in page._console if "dynamically imported module" not in e["message"]]


@pytest.mark.long
def test_two_technicians_on_one_job(new_stack, new_page, domain):
    """Each has the same form open; whoever is second hears of it, keeps what was typed, sees what the other changed."""
    stack = new_stack(mail=False, with_worker=False)
    technician = stack.client("technician")
    server = {"host": "old.example", "port": 993, "tls": "tls"}
    job = technician.create_job(domain, source={"kind": "imap", **server}, destination=server)
    box, = technician.add_mailboxes(job["id"], [{"source": {"user": "ana", "secret": "x"}, "destination": {"user": "ana", "secret": "x"}}])
    page = new_page(at=stack).resume("technician").open(f"/jobs/{job['id']}/details")
    page.one("form button[type=submit]:enabled")
    page.type("[name=ticket]", "DESK-2")
    etag = technician.call("GET", f"/jobs/{job['id']}").etag
    technician.patch(f"/jobs/{job['id']}", {"title": "the other one's", "source": {"host": "new.example"}}, etag)
    page.click("form button[type=submit]")
    page.one(".notice.bad")
    assert page.one("[name=ticket]").get_attribute("value") == "DESK-2"
    page.click("form > .button")  # read again
    page.wait(lambda: page.one("[name=source-host]").get_attribute("value") == "new.example")
    assert page.one("[name=ticket]").get_attribute("value") == "DESK-2"
    page.click("form button[type=submit]")
    page.wait(lambda: technician.get(f"/jobs/{job['id']}")["ticket"] == "DESK-2")
    now = technician.get(f"/jobs/{job['id']}")
    assert (now["title"], now["source"]["host"]) == ("the other one's", "new.example")

    page.open(f"/jobs/{job['id']}/mailboxes/{box['id']}/edit")
    page.type("dialog [name=destination-user]", "ana.new")
    etag = technician.call("GET", f"/mailboxes/{box['id']}").etag
    technician.patch(f"/mailboxes/{box['id']}", {"source": {"user": "ana.old", "secret": "y"}}, etag)
    page.click("dialog button[type=submit]")
    page.one("dialog .notice.bad")
    page.click("dialog .dialog-body > .button")
    page.wait(lambda: page.one("dialog [name=source-user]").get_attribute("value") == "ana.old")
    assert page.one("dialog [name=destination-user]").get_attribute("value") == "ana.new"
