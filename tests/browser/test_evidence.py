"""What a person sees of the evidence: refused messages with the server's words, and the audit trail."""

import pytest

from stack import imapload
from stack.stack import Stack

SUBJECT = "<img src=x onerror=document.title=1>"
LIMIT = "\nplugin {{\n  quota_max_mail_size = {}\n}}\n"


@pytest.fixture(scope="module")
def limited(build_dir):
    """A destination that takes no mail over 50 kB."""
    with Stack(build_dir, destination={"quota": "1G", "more": LIMIT.format("50k")}) as stack:
        yield stack
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


@pytest.mark.long
def test_refused_messages(limited, new_page, domain):
    stack, user = limited, f"ana@{domain}"
    stack.add_mail_account(user, [])
    text = f"From: ana@a.example\r\nSubject: {SUBJECT}\r\nDate: Tue, 5 May 2015 05:05:05 -0300\r\n\r\n".encode()
    loader = imapload.Loader(stack.source.host, stack.source.tls_port, user, stack.source.users[user], stack.ca.certificate)
    loader.append("INBOX", [(text + (b"y" * 70 + b"\r\n") * 900, " 5-May-2015 05:05:05 -0300", ())])
    loader.close()
    technician = stack.client("technician")
    job = technician.create_job(domain, **stack.job_servers())
    box = technician.add_mailboxes(job["id"], [stack.mailbox_request(user)])[0]
    technician.do(job["id"], "sync", 60, pass_="initial")

    page = new_page(at=stack).resume("technician").open(f"/jobs/{job['id']}/mailboxes/{box['id']}")
    row = page.one(".quarantine tbody tr")
    assert SUBJECT in row.text and "INBOX" in row.text
    page.click(".quarantine summary")
    assert page.text(".quarantine .raw").strip()
    link = page.one(".quarantine a[download]").get_attribute("href")
    assert page.driver.execute_async_script(
        "const [url, done] = arguments; fetch(url).then(async (r) => done((await r.text()).length))", link) > 60_000
    stack.destination.change(more=LIMIT.format("100k"))
    page.click(".quarantine button", "Try again")
    page.one(".quarantine .pill.good")  # moved since
    assert stack.compare(user).equal


@pytest.mark.long
def test_audit_trail(stack, new_page, domain, new_job):
    technician, job, _ = new_job(stack, domain, messages=0)
    page = new_page().resume("lead").open(f"/audit?job={job['id']}")
    assert any("technician" in row for row in page.texts(".audit tbody tr"))
    page.click(".audit .link", "Migration created")
    assert domain in page.text("dialog .log")
    other = new_page().resume("technician").open("/audit")
    other.one(".notice.warn")
    assert not other.all("a[href='#/audit']")
    assert other.fetch("GET", "/audit")["status"] == 403
