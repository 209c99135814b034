"""The folders of a mailbox, the plot of the speed, what can be done to a selection, and the log."""

import contextlib
import imaplib
import ssl

import pytest

from stack.proxy import Proxy

pytestmark = pytest.mark.long
PROBE = "<b onclick>probe"
FIXED = "<img src=x onerror=alert(1)>"  # no rule can name it: = parts a rule in two


@contextlib.contextmanager
def login(stack, server, user):
    context = ssl.create_default_context(cafile=stack.ca.certificate)
    with imaplib.IMAP4_SSL(server.host, server.tls_port, ssl_context=context, timeout=30) as connection:
        connection.login(user, server.users[user])
        yield connection


def folder(page, name):
    """The row of this folder: its name may hold anything."""
    return page.wait(lambda: next((r for r in page.all("[data-folder]") if r.get_attribute("data-folder") == name), None), f"no {name}")


def typed(page, name, text):
    page.driver.execute_script("const i = arguments[0]; i.value = arguments[1]; i.dispatchEvent(new Event('input', {bubbles: true}))",
                               folder(page, name).find_element("css selector", "input[type=text]"), text)


def there(page, name):
    """What the preview says of where it goes, None when it is not to be copied."""
    row = folder(page, name)
    fields = row.find_elements("css selector", "input[type=text]")
    return fields[0].get_attribute("value") if fields else None


@pytest.mark.parametrize("role", ["technician", "lead", "admin"])
def test_folders_are_seen_and_changed_before_the_copy(stack, new_page, domain, new_job, role):
    technician, job, users = new_job(stack, domain, messages=40)
    with login(stack, stack.source, users[0]) as imap:
        for name in (PROBE, FIXED):
            imap.create(f'"{name}"')
    page = new_page().resume(role).open(f"/jobs/{job['id']}/folders")
    page.click("[data-do=discover]")
    folder(page, PROBE)
    assert not page.all("main img, main b")
    assert FIXED in folder(page, FIXED).text and not folder(page, FIXED).find_elements("css selector", "input[type=text]")
    names = [r.get_attribute("data-folder") for r in page.all("[data-folder]")]
    assert "INBOX" in names and not folder(page, "INBOX").find_elements("css selector", "input[type=text]")
    typed(page, PROBE, "archive")
    page.one(".folder-map .notice.warn")  # another folder is called Archive
    assert "Archive" in folder(page, PROBE).text
    typed(page, PROBE, "a//b")
    page.wait(lambda: folder(page, PROBE).find_elements("css selector", ".field-error"))
    assert not page.one("[data-do=save-one]").is_enabled()
    typed(page, PROBE, "Novo/Lugar")
    folder(page, "Junk").find_element("css selector", "input[type=checkbox]").click()
    page.click("[data-do=save-one]")
    page.wait(lambda: "left out" in folder(page, "Junk").text and there(page, PROBE) == "Novo/Lugar"
              and not page.all(".folder-map [data-status]"))
    box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]
    assert box["folders"] == {"map": {PROBE: "Novo/Lugar"}, "include": [], "exclude": ["Junk"]}
    assert [r["status"] for r in technician.do(job["id"], "sync", pass_="initial")] == ["succeeded"]
    with login(stack, stack.destination, users[0]) as imap:
        listed = b"\n".join(imap.list()[1])
    assert b"Novo/Lugar" in listed and b"Junk" not in listed.replace(b"\\Junk", b""), listed


def test_speed_is_plotted_and_a_selection_is_paused(stack, new_page, domain, new_job, tmp_path):
    technician, job, users = new_job(stack, domain, people=("ana", "bruno", "carla"), messages=200)
    with Proxy(tmp_path, stack.source.tls_port, rate=60_000) as line:
        for box, user in zip(technician.get(f"/jobs/{job['id']}/mailboxes")["items"], users):
            etag = technician.call("GET", f"/mailboxes/{box['id']}").etag
            technician.patch(f"/mailboxes/{box['id']}", {"source": {"port": line.port, "secret": stack.source.users[user]}}, etag)
        page = new_page("pt").resume("technician").open(f"/jobs/{job['id']}")
        page.click("[data-do=initial]")
        page.one(".plot canvas")
        assert "Débito" in page.one(".plot").get_attribute("aria-label")
        page.wait(lambda: len(page.all("[data-status=running], [data-status=waiting]")) == 3)
        for box in page.all(".mailboxes tbody .cell-check input")[:2]:
            box.click()
        page.click("[data-do=pause]")
        page.wait(lambda: len(page.all("[data-status=paused]")) == 2)
        page.click("[data-do=resume]")
        page.wait(lambda: not page.all("[data-status=paused]"))
        page.click("[data-do=cancel]")
        page.driver.switch_to.alert.accept()
        page.wait(lambda: len(page.all("[data-status=cancelled]")) == 2)
    page.driver.refresh()
    page.one(".mailboxes")
    assert not page.violations()


def test_log_is_searched(stack, new_page, domain, new_job):
    technician, job, users = new_job(stack, domain, messages=20)
    box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]
    etag = technician.call("GET", f"/mailboxes/{box['id']}").etag
    technician.patch(f"/mailboxes/{box['id']}", {"source": {"secret": "wrong"}}, etag)
    technician.do(job["id"], "preflight")
    page = new_page().resume("technician").open(f"/jobs/{job['id']}/runs")
    page.click(".runs .cell-act button", "Log")
    whole = page.text("dialog .log")
    page.click("dialog input[type=checkbox]")
    wrong = page.wait(lambda: page.text("dialog .log") != whole and page.text("dialog .log"))
    assert "FAIL" in wrong or "refused" in wrong.lower() or "auth" in wrong.lower()
    page.type("dialog input[type=search]", "no such line anywhere")
    page.wait_text("No line matches", "dialog")
