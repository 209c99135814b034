"""Settings as the running system sees them, local accounts, and the audit trail: what each role sees and may do."""

import pytest

pytestmark = pytest.mark.long
PROBE = "<img src=x onerror=document.title=1>"


def row_of(page, text):
    return page.wait(lambda: next((r for r in page.all("tbody tr") if text in r.text), None), f"no row {text!r}")


def test_accounts_of_this_machine(stack, new_page):
    stack.client("technician")
    page = new_page().resume("admin").open("/users")
    row_of(page, "technician")
    page.click("main .button.primary")
    fields = page.wait(lambda: page.all("dialog input"))
    fields[0].send_keys("rita")
    fields[1].send_keys(PROBE)
    fields[2].send_keys("short")
    page.click("dialog button[type=submit]")
    page.one("dialog .field-error")
    assert page.all("dialog input")[1].get_attribute("value") == PROBE  # nothing typed is lost
    page.all("dialog input")[2].clear()
    page.all("dialog input")[2].send_keys("long enough, I hope")
    page.click("dialog button[type=submit]")
    page.gone("dialog")
    assert PROBE in row_of(page, "rita").text and not page.all("main img")
    row_of(page, "rita").find_element("css selector", "button").click()
    page.click("dialog option[value=ops_lead]")
    page.click("dialog button[type=submit]")
    page.gone("dialog")
    page.wait(lambda: "Ops lead" in row_of(page, "rita").text)
    user = next(u for u in stack.client("admin").get("/users")["items"] if u["name"] == "rita")
    assert user["role"] == "ops_lead"
    row_of(page, "rita").find_elements("css selector", "button")[1].click()
    page.driver.switch_to.alert.accept()
    page.wait(lambda: not any("rita" in r.text for r in page.all("tbody tr")))

    for role in ("technician", "lead"):
        other = new_page().resume(role).open("/users")
        other.one(".notice.warn")
        assert not other.all("a[href='#/users']")
        for method, path, body in (("GET", "/users", None), ("POST", "/users", {"name": "x"}), ("DELETE", f"/users/{user['id']}", {}),
                                   ("PATCH", f"/users/{user['id']}", {"role": "super_admin"})):
            assert other.fetch(method, path, body, {"If-Match": '"1"'})["status"] == 403, (role, method)


@pytest.mark.parametrize("role", ["technician", "lead", "admin"])
def test_settings_hide_secrets(stack, new_page, role):
    page = new_page("pt").resume(role).open("/settings")
    row_of(page, "MIGRATION_GATE_MIN_RATIO")
    source = page.driver.page_source
    for secret in (stack.secret_key, stack.signing_key, *map(stack.password, ("technician", "lead", "admin"))):
        assert secret not in source
    items = {s["name"]: s for s in page.fetch("GET", "/settings")["body"]["items"]}
    assert items["MIGRATION_WEBHOOK_SECRET"]["secret"] is True
    key = items["MIGRATION_CREDENTIALS_KEY"]  # of worker.env: that it exists is no secret
    assert key["worker"] is True and key["secret"] is True and key["value"] is None
    assert "worker.env" in row_of(page, "MIGRATION_CREDENTIALS_KEY").text
    page.type("input[type=search]", "webhook")
    page.wait(lambda: all("webhook" in r.text.lower() for r in page.all("tbody tr")) and page.all("tbody tr"))
    # they are looked at, not changed
    assert not page.all("main form, main .button")


def test_audit_names_what_was_done(stack, new_page, domain):
    """Each thing done to DNS and evidence has words of its own, in both languages."""
    technician = stack.client("technician")
    job = technician.create_job(domain, **stack.job_servers())
    technician.call("PUT", f"/jobs/{job['id']}/dns", {"mx": [{"preference": 10, "host": "mx.new.example"}]})
    page = new_page("pt").resume("lead").open(f"/audit?job={job['id']}")
    row_of(page, "Plano de DNS guardado")
    page.click(".audit .link", "Plano de DNS")
    assert "mx.new.example" in page.text("dialog .log")
    assert "technician" in page.text("dialog .facts")
