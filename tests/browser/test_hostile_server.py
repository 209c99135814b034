"""A mail server that speaks markup: greeting, capabilities, refusals, folder names, subjects. All of it is text on the page."""

import csv
import io
import re

import pytest

from imapd import script
from imapd.server import Server
from imapd.store import Store

pytestmark = pytest.mark.long

IMG = "<img src=x onerror=document.title='owned'>"
SCRIPT = "<script>document.title='owned'</script>"
USER = "ana@hostile.example"

# what a page could be made to run, anywhere in it
ALIVE = """
return [...document.querySelectorAll('main img, main script, main iframe, main object, main b, main [onerror], main [onclick], main [onload]')]
  .map((e) => e.outerHTML).concat(document.title.includes('owned') ? ['title'] : []);
"""


@pytest.fixture
def serve(stack):
    """serve(script text, password, folders): a server under the stack's authority that knows USER."""
    running = []

    def start(text, password, folders=()):
        store = Store()
        for name, subject in folders:
            store.create(name.encode()).add(f"From: <{IMG}@x.example>\r\nSubject: {subject}\r\nMessage-Id: <{len(store.contents())}@x>\r\n"
                    f"Date: Tue, 5 May 2015 05:05:05 -0300\r\nContent-Type: text/html\r\n\r\n{SCRIPT}\r\n".encode(), " 5-May-2015 05:05:05 -0300")
        server = Server(store, {USER: password}, script.parse("tls implicit\n" + text + "expect exit 0\n"), stack.ca.issue(f"hostile{len(running)}"))
        running.append(server)
        return server
    yield start
    for server in running:
        server.stop()


@pytest.fixture
def move(stack):
    """move(domain, source): a job whose one mailbox comes from that server: (job, mailbox, user at the destination)."""
    def make(domain, source):
        user = f"ana@{domain}"
        stack.add_mail_account(user)
        technician = stack.client("technician")
        job = technician.create_job(domain, source={"kind": "imap", "host": "localhost", "port": source.port, "tls": "tls"},
                                    destination=stack.job_servers()["destination"])["id"]
        box, = technician.add_mailboxes(job, [{"source": {"user": USER, "secret": "secret of the source"},
                                               "destination": {"user": user, "secret": stack.destination.users[user]}}])
        return job, box["id"]
    return make


def look(page, job, mailbox):
    """Every screen of the job; what is alive in it, and all the text."""
    text = ""
    for path, css in (("", ".mailboxes"), ("/check", ".preflight"), ("/folders", ".folder-map"), ("/verification", ".verification, .notice"),
                      (f"/verification/{mailbox}", ".page-head h2, .verification, .notice"), ("/gate", ".gate-panel"), ("/runs", ".runs"),
                      (f"/mailboxes/{mailbox}", ".mailbox-now")):
        page.open(f"/jobs/{job}{path}").one(css)
        for summary in page.all("main details:not([open]) summary"):
            summary.click()
        assert not page.driver.execute_script(ALIVE), path
        text += page.text("main")
    page.open(f"/jobs/{job}/runs").click(".runs .cell-act button")
    text += page.text("dialog .log")
    assert not page.driver.execute_script(ALIVE.replace("main ", "dialog ")), "the log"
    return text


@pytest.mark.parametrize("rules,words", [
    (f"on LOGIN|AUTHENTICATE each\n    no [AUTHENTICATIONFAILED] {IMG} go away\n", IMG),
    (f"on LOGIN|AUTHENTICATE each\n    no [ALERT] {SCRIPT} account suspended\n", SCRIPT),
    (f"on greeting each\n    bye {IMG} no room\n", IMG),
    (f"on LIST each\n    no {IMG} no list\n", IMG),
], ids=["refused", "alert", "bye", "list"])
def test_refusals(stack, new_page, domain, serve, move, rules, words):
    job, mailbox = move(domain, serve(rules, "secret of the source"))
    stack.client("technician").do(job, "preflight")
    assert words in look(new_page().resume("technician"), job, mailbox)


def test_folders_subjects_and_capabilities(stack, new_page, domain, serve, move):
    folders = [("INBOX", IMG), ("<b onclick=x>Faktura", f"=HYPERLINK(1) {SCRIPT}"), ("=1+1", "+SUM(1)"), ("<svg onload=x>", "=?utf-8?q?=3Cimg_src=3Dx_onerror=3Dalert(1)=3E?=")]
    source = serve(f"with X-{IMG.replace(' ', '-')} X-<b>\n", "secret of the source", folders)
    job, mailbox = move(domain, source)
    technician = stack.client("technician")
    technician.do(job, "preflight")
    technician.do(job, "discover")
    technician.do(job, "sync", pass_="final")
    technician.do(job, "verify")
    page = new_page().resume("lead")
    shown = look(page, job, mailbox)
    assert "<b onclick=x>Faktura" in shown and "<svg onload=x>" in shown
    # what a spreadsheet opens holds no formula, whoever wrote the cell
    etag = technician.call("GET", f"/jobs/{job}").etag
    technician.patch(f"/jobs/{job}", {"ticket": "=1+1", "title": "@SUM(1)"}, etag)
    report = technician.wait_runs(technician.post(f"/jobs/{job}/report")["runs"])
    assert report[0]["status"] == "succeeded", report
    for path in (f"/jobs/{job}/report.csv", f"/mailboxes/{mailbox}/missing?format=csv"):
        cells = [cell for row in csv.reader(io.StringIO(technician.call("GET", path).text)) for cell in row]
        assert cells and not [c for c in cells if re.match(r"[=+@\t\r]|-(?!\d)", c)], path
