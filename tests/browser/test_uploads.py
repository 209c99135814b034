"""Files on their way: dropped, broken off, gone on with, known by their contents, given to a mailbox."""

import contextlib
import hashlib
import os
import sqlite3

import pytest
from selenium.webdriver.common.keys import Keys

from stack import mailgen

BYTES_A_SECOND = 200_000
FROM = b"From a@b.example Mon May  5 05:05:05 2014\n"


def mbox(messages, size=4000):
    head = FROM + b"From: a@b.example\nTo: b@b.example\nSubject: s%d\nDate: Mon, 5 May 2014 05:05:05 +0000\nMessage-Id: <%d@b.example>\n\n"
    return b"".join(head % (i, i) + b"x" * 70 + b"\n" + b"hello hello\n" * (size // 12) + b"\n" for i in range(messages))


@pytest.fixture
def new_file(tmp_path):
    def make(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path
    return make


def row(name):
    return f'[data-upload="{name}"]'


def state(page, name, wanted):
    page.one(f"{row(name)} [data-state={wanted}]")


def sent(page, name):
    """Per cent, once the bar tells of some."""
    return page.wait(lambda: next((int(e.get_attribute("aria-valuenow")) for e in page.all(f"{row(name)} [role=progressbar]")
                                   if int(e.get_attribute("aria-valuenow") or 0) > 5), None), f"{name} does not move")


def is_here(page, name, data, kind="mbox"):
    state(page, name, "complete")
    assert page.text(f"{row(name)} .sha256") == hashlib.sha256(data).hexdigest()
    assert page.one(f"{row(name)} [data-kind]").get_attribute("data-kind") == kind


def offsets(page):
    """Where each PATCH went on."""
    return [int(headers["Upload-Offset"]) for _, headers in page.requests("PATCH", "/uploads/")]


@pytest.mark.long
def test_dropped_and_gone_on_with_after_a_reload(stack, page, domain, new_file):
    data = mbox(1200)
    name = domain + ".mbox"
    path = new_file(name, data)
    page.resume("technician").open("/uploads").line(up=BYTES_A_SECOND)
    page.drop(".drop", path)
    assert 0 < sent(page, name) < 100
    assert "/s" in page.text(row(name)) and "left" in page.wait(lambda: "left" in page.text(row(name)) and page.text(row(name)))
    assert page.text("nav .count") == "1"
    page.click("a[href='#/']")  # another view: it goes on
    page.one(".toolbar")
    page.click("a[href='#/uploads']")
    state(page, name, "sending")
    page.driver.refresh()  # leaving by an address may keep the old page alive for the way back, and its request
    page.line()
    state(page, name, "part")
    other = new_file("other.mbox", data)
    page.choose(row(name) + " input[type=file]", other)
    assert "another file" in page.text(".notice.bad")
    page.choose(row(name) + " input[type=file]", path)
    is_here(page, name, data)
    assert offsets(page)[0] == 0 and offsets(page)[-1] > 0, "it started anew"
    page.click(row(name) + " .cell-act button", "Remove")
    page.driver.switch_to.alert.accept()
    page.gone(row(name))


@pytest.mark.long
def test_dropped_again_it_goes_on_by_itself(stack, page, domain, new_file):
    data = mbox(1200)
    path = new_file(domain + ".mbox", data)
    page.resume("lead").open("/uploads").line(up=BYTES_A_SECOND)
    page.drop(".drop", path)
    sent(page, path.name)
    page.driver.refresh()  # leaving by an address may keep the old page alive for the way back, and its request
    page.line()
    state(page, path.name, "part")
    page.drop(".drop", path)
    is_here(page, path.name, data)
    assert offsets(page)[-1] > 0 and len(page.requests("POST", "/uploads")) == 1


@pytest.mark.long
def test_pause_and_several_at_once(stack, page, domain, new_file):
    files = [new_file(f"{domain}-{i}.mbox", mbox(300 + i)) for i in range(5)]
    page.resume("admin").open("/uploads").line(up=BYTES_A_SECOND)
    page.drop(".drop", *files)
    sent(page, files[0].name)
    assert len(page.all("[data-state=queued]")) == 2  # three at once
    page.click(row(files[0].name) + " button", "Pause")
    state(page, files[0].name, "paused")
    page.line()
    for path in files[1:]:
        is_here(page, path.name, path.read_bytes())
    page.click(row(files[0].name) + " button", "Continue")
    is_here(page, files[0].name, files[0].read_bytes())
    page.drop(".drop", files[0])
    is_here(page, files[0].name, files[0].read_bytes())


@pytest.mark.long
def test_broken_line_service_and_session(new_stack, new_page, new_file):
    """Offline, a service that is restarted, a session that ends: each time it waits, says why, and goes on."""
    stack = new_stack(mail=False, with_worker=False)
    page = new_page(at=stack).open().sign_in("technician")
    data = mbox(3000)
    path = new_file("big.mbox", data)
    page.open("/uploads").line(up=BYTES_A_SECOND)
    page.drop(".drop", path)
    before = sent(page, path.name)
    stack.nginx.stop()
    state(page, path.name, "waiting")
    assert "line is broken" in page.text(row(path.name))
    stack.nginx.start()
    state(page, path.name, "sending")
    assert sent(page, path.name) >= before - 2
    stack.pools.stop()
    state(page, path.name, "waiting")
    stack.pools.start()
    page.wait(lambda: page.all(f"{row(path.name)} [data-state=sending]"))
    assert page.fetch("DELETE", "/session")["status"] == 204
    # What is being sent was let in; the next request is not.
    page.click(row(path.name) + " button", "Pause")
    page.click(row(path.name) + " button", "Continue")
    page.line()
    page.type("dialog [name=password]", stack.password("technician") + Keys.ENTER)
    page.gone("dialog")
    is_here(page, path.name, data)
    assert len(page.requests("POST", "/uploads")) == 1, "a second upload was begun"


@pytest.mark.long
def test_what_cannot_be_sent_is_told_before(new_stack, new_page, new_file, tmp_path):
    stack = new_stack(mail=False, with_worker=False, api_settings={"MIGRATION_MAX_PST_GB": "1"})
    page = new_page(at=stack).resume("technician").open("/uploads")
    page.wait_text("1.1 GB", ".drop")
    large = tmp_path / "large.pst"
    with open(large, "wb") as f:
        f.write(b"!BDN\0\0\0\0SM\x17\0")
        f.truncate((1 << 30) + 1)
    photo = new_file("photo.jpg", b"\xff\xd8\xff\xe0" + os.urandom(5000))
    seven = new_file("old.7z", b"7z\xbc\xaf\x27\x1c" + bytes(100))
    page.drop(".drop", large, photo, seven, new_file("empty.pst", b""))
    assert "MIGRATION_MAX_PST_GB" in page.text(row("large.pst"))
    assert "no mail" in page.text(row("photo.jpg")) and "7-Zip" in page.text(row("old.7z")) and "empty" in page.text(row("empty.pst"))
    assert not page.requests("POST", "/uploads")
    page.click(row("photo.jpg") + " button", "all the same")
    state(page, "photo.jpg", "useless")
    assert not [b for b in page.all(row("photo.jpg") + " button") if "Use for" in b.text]
    page.click(row("old.7z") + " button", "Remove")
    page.gone(row("old.7z"))


@pytest.mark.long
def test_full_disk_is_waited_for(new_stack, new_page, new_file):
    stack = new_stack(mail=False, with_worker=False, api_settings={"MIGRATION_DISK_RESERVE_MB": "1048576"})
    page = new_page("pt", at=stack).resume("technician").open("/uploads")
    page.drop(".drop", new_file("a.mbox", mbox(10)))
    state(page, "a.mbox", "waiting")
    assert "espaço" in page.text(row("a.mbox"))


@pytest.mark.long
@pytest.mark.parametrize("lang,words", [("en", "being computed"), ("pt", "em cálculo")])
def test_hash_that_is_not_known_yet(new_stack, new_page, new_file, lang, words):
    """As after a line that was faster; it is held up by a state that is away for a while. The file can be used meanwhile."""
    stack = new_stack(mail=False, with_worker=False)
    page, data = new_page(lang, at=stack).resume("technician").open("/uploads"), mbox(10)
    page.drop(".drop", new_file("ana.mbox", data))
    is_here(page, "ana.mbox", data)
    held, = (stack.paths.data / "uploads").glob("*.state")
    held.rename(stack.paths.top / "held")
    with contextlib.closing(sqlite3.connect(stack.paths.database, timeout=30)) as rows, rows:
        rows.execute("UPDATE uploads SET sha256 = NULL")
    page.wait_text(words, row("ana.mbox"))
    assert not page.all(row("ana.mbox") + " .sha256") and len(page.all(row("ana.mbox") + " button")) == 2
    (stack.paths.top / "held").rename(held)
    page.one(row("ana.mbox") + " .sha256")
    is_here(page, "ana.mbox", data)


@pytest.mark.long
@pytest.mark.parametrize("role", ["technician", "lead", "admin"])
def test_given_to_a_mailbox(stack, new_page, domain, new_job, new_file, role):
    """A hostile name, a file of the wrong person, a new mailbox; and the mail arrives."""
    technician, job, users = new_job(stack, domain, people=("ana", "bruno"), messages=0)
    data = mbox(25)
    path = new_file(f"bruno <img src=x onerror=alert(1)> {domain}.mbox", data)
    page = new_page().resume(role).open("/uploads")
    page.drop(".drop", path)
    state(page, path.name, "complete")
    page.click(row(path.name) + " button", "Use for")
    page.click(f"dialog [name=job] option[value='{job['id']}']")
    boxes = {m["destination"]["user"]: m["id"] for m in technician.get(f"/jobs/{job['id']}/mailboxes")["items"]}
    chosen = page.wait(lambda: page.one("dialog [name=mailbox]").get_attribute("value"))
    assert chosen == str(boxes[users[1]]), "the name tells whose it is"
    page.click(f"dialog [name=mailbox] option[value='{boxes[users[0]]}']")
    assert users[1] in page.text("dialog .notice.warn")
    page.click(f"dialog [name=mailbox] option[value='{boxes[users[1]]}']")
    page.gone("dialog .notice.warn")
    page.click("dialog button[type=submit]")
    page.one(".mailboxes")
    assert path.name in page.text(".mailboxes") and not page.all("main img")
    assert [r["status"] for r in technician.do(job["id"], "sync", mailbox_ids=[boxes[users[1]]], pass_="initial")] == ["succeeded"]
    assert technician.get(f"/mailboxes/{boxes[users[1]]}")["state"]["last_pass"]["copied"] == 25
    page.open("/uploads")
    page.click(row(path.name) + " .cell-act button", "Remove")
    page.driver.switch_to.alert.accept()
    assert "reads from this upload" in page.text(".notice.bad")

    page.click(row(path.name) + " button", "Use for")
    page.click(f"dialog [name=job] option[value='{job['id']}']")
    page.click("dialog [name=mailbox] option[value=new]")
    user = f"carla@{domain}"
    stack.add_mail_account(user, mailgen.Generator(user, 1).mailbox(1, 1000))
    page.type("dialog [name=dest_user]", user)
    page.type("dialog [name=dest_password]", stack.destination.users[user])
    page.click("dialog button[type=submit]")
    page.wait_text(user, ".mailboxes")
