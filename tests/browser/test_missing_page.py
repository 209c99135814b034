"""The page of what a verification did not find: why, copied again, exported, accepted; what each role may do."""

import csv
import io

import pytest
from selenium.webdriver.common.keys import Keys

import owner
from test_frame import assert_accessible
from stack import imapload, mailgen
from stack.stack import Stack

pytestmark = pytest.mark.long

PROBE = "<img src=x onerror=document.title=1>"
WHEN = " 5-May-2015 05:05:05 -0300"
FOLDER = "<b onclick=alert(1)>"
FORMULA = '=HYPERLINK("http://x","y")'
LIMIT = "\nplugin {\n  quota_max_mail_size = 50k\n}\n"
SCREEN = "/jobs/{}/verification/{}"


def letter(subject, size=0):
    return (f"From: =cmd@a.example\r\nSubject: {subject}\r\nDate: Tue, 5 May 2015 05:05:05 -0300\r\n"
            f"Message-ID: <{abs(hash(subject))}@x>\r\n\r\nbody\r\n").encode() + b"y" * 70 * (size // 70) + b"\r\n"


@pytest.fixture(scope="module")
def limited(build_dir):
    """A destination that takes no mail over 50 kB."""
    with Stack(build_dir, destination={"quota": "1G", "more": LIMIT}) as stack:
        yield stack
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


@pytest.fixture
def lost(limited, domain):
    """A mailbox with one refused message and five that went away at the destination: (stack, job, mailbox, user)."""
    stack, user = limited, f"ana@{domain}"
    generator = mailgen.Generator(user, 1)
    stack.add_mail_account(user, [mailgen.Folder("INBOX", True, [generator.message(attachment=0, flags=()) for _ in range(5)])])
    loader = imapload.Loader(stack.source.host, stack.source.tls_port, user, stack.source.users[user], stack.ca.certificate)
    loader.append("INBOX", [(letter(FORMULA), WHEN, ()), (letter(PROBE, 60_000), WHEN, ())])
    loader.create(FOLDER)
    loader.append(FOLDER, [(letter("in a folder"), WHEN, ())])
    loader.close()
    technician = stack.client("technician")
    job = technician.create_job(domain, **stack.job_servers())
    box, = technician.add_mailboxes(job["id"], [stack.mailbox_request(user)])
    technician.do(job["id"], "sync", 60, pass_="final")
    owner.remove(stack, stack.destination, user, "2:6")  # the first stays
    technician.do(job["id"], "verify", 60)
    return stack, job, box, user


def read_csv(page):
    link = page.one("a[href*='format=csv']").get_attribute("href")
    text = page.driver.execute_async_script("const [url, done] = arguments; fetch(url).then((r) => r.text()).then(done)", link)
    return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def test_seen_copied_again_accepted(lost, new_page, build_dir):
    stack, job, box, user = lost
    page = new_page(at=stack).resume("technician").open(f"/jobs/{job['id']}/verification")
    counts = page.text(".verification tbody tr")
    assert user in counts
    page.click(".verification [aria-expanded=false]")
    assert FOLDER in page.text(".folders")  # the name of a folder
    page.click(".verification .cell-act a")
    rows = page.wait(lambda: page.all(".missing tbody tr"))
    assert len(rows) == 6
    refused, = page.all(".missing [data-class=refused]")
    assert PROBE in refused.text and "LIMIT" in refused.find_element("css selector", ".server-words").text
    assert not page.all("main img")
    assert_accessible(page, build_dir)

    table = read_csv(page)
    assert len(table) == 6 and [r["subject"] for r in table if "HYPERLINK" in r["subject"]] == ["'" + FORMULA]
    page.click("[data-filter=refused]")
    page.wait(lambda: len(page.all(".missing tbody tr")) == 1)
    assert len(read_csv(page)) == 1
    page.click(".segmented button", "All")
    page.wait(lambda: len(page.all(".missing tbody tr")) == 6)

    # a technician is not offered to accept, and is refused when it is forced
    assert not page.all("[data-accept]")
    forced = page.fetch("POST", f"/mailboxes/{box['id']}/missing/accept", {"what": "missing", "reason": "forced", "count": 6})
    assert (forced["status"], forced["body"]["code"]) == (403, "auth.forbidden")

    # one by name, by keyboard alone
    first = page.one(".missing tbody tr[data-class=unexplained] input")
    page.driver.execute_script("arguments[0].focus()", first)
    page.press(Keys.SPACE)
    page.wait_text("1 selected", "[data-do=recopy]")
    page.driver.execute_script("arguments[0].focus()", page.one("[data-do=recopy]"))
    page.press(Keys.ENTER)
    page.click("[data-do=verify]")  # offered when the list is out of date
    page.wait(lambda: len(page.all(".missing tbody tr")) == 5)
    # then all of a class
    page.click("[data-filter=unexplained]")
    page.click("[data-do=recopy]")
    page.click("[data-do=verify]")
    page.wait(lambda: len(page.all(".missing tbody tr")) <= 1 and not page.all(".missing [data-class=unexplained]"))

    # an ops lead accepts what stays behind, in words; so may a super admin
    new_page(at=stack).resume("admin").open(SCREEN.format(job["id"], box["id"])).one("[data-accept=missing]")
    lead = new_page("pt", at=stack).resume("lead").open(SCREEN.format(job["id"], box["id"]))
    lead.click("[data-accept=missing]")
    assert "Recusada" in lead.text(".missing tbody")
    assert not lead.one("dialog button[type=submit]").is_enabled()
    lead.type("dialog textarea", f"spam, {PROBE}")
    lead.click("dialog button[type=submit]")
    lead.gone("dialog")
    lead.gone("[data-accept=missing]")
    gate = stack.client("technician").gate(job["domains"][0])
    assert not {"mailbox.missing_unexplained", "mailbox.refusals_unaccepted"} & {r["code"] for r in gate["reasons"]}


def test_two_at_once(lost, new_page):
    """Two technicians press the same button: one run, and the other one reads why not."""
    stack, job, box, _ = lost
    pages = [new_page(at=stack).resume("technician").open(SCREEN.format(job["id"], box["id"])) for _ in range(2)]
    for page in pages:
        page.one("[data-do=recopy]")
    technician = stack.client("technician")
    stack.worker.stop()
    try:
        for page in pages:
            page.driver.execute_script("document.querySelector('[data-do=recopy]').click()")
        for page in pages:
            page.one("main .card [data-status=queued]")
        assert len(pages[0].all(".notice.bad") + pages[1].all(".notice.bad")) == 1
    finally:
        stack.worker.start()
    technician.wait_runs(technician.get(f"/jobs/{job['id']}/runs?kind=recopy")["items"], 60)
    assert len(technician.get(f"/jobs/{job['id']}/runs?kind=recopy")["items"]) == 1
