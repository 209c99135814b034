"""A company moves by clicks only: technician, then ops lead; the API is asked only to judge."""

import pytest

from stack import mailgen
from stack.proxy import Proxy

# What the buttons say is looked for by their purpose; these words prove the language.
WORDS = {
    "en": {"new": "New migration", "ask": "Ask an ops lead for approval", "ready": "Ready for DNS"},
    "pt": {"new": "Nova migração", "ask": "Peça a aprovação a um ops lead", "ready": "Pronto para DNS"},
}


def fill_job_form(page, stack, domain):
    page.click("a[href='#/new']")
    page.type("[name=domains]", domain)
    page.type("[name=ticket]", "DESK-77")
    servers = stack.job_servers()
    for side in ("source", "destination"):
        page.type(f"[name={side}-host]", servers[side]["host"])
        page.type(f"[name={side}-port]", str(servers[side]["port"]))
        page.click(f"[name={side}-tls] option[value={servers[side]['tls']}]")
    page.click("form button[type=submit]")


def add_mailboxes(page, stack, users):
    """The first by hand, the others pasted as a spreadsheet gives them."""
    page.one(".grid")
    first, *others = users
    page.type(".grid tr:nth-child(1) [name=source_user]", first)
    page.type(".grid tr:nth-child(1) [name=source_password]", stack.source.users[first])
    page.type(".grid tr:nth-child(1) [name=dest_password]", stack.destination.users[first])
    rows = [f"Somebody <{user}>\t{stack.source.users[user]}\t{user}\t{stack.destination.users[user]}" for user in others]
    if rows:
        page.paste(".grid tr:nth-child(2) [name=source_user]", "\n".join(rows))
        page.wait(lambda: page.one(f".grid tr:nth-child({len(users)}) [name=source_user]").get_attribute("value") == users[-1])
    page.click("form button[type=submit]")


def take_step(page, step):
    """Waits until the page proposes this step, then takes it."""
    page.click(f"[data-step={step}] .next-action button")


def final_pass(page):
    take_step(page, "final")
    page.click("dialog input[type=checkbox]")
    page.click("dialog button[type=submit]")
    page.gone("dialog")


@pytest.mark.parametrize("language", ["pt", pytest.param("en", marks=pytest.mark.long)])
def test_story(stack, new_page, domain, language, long):
    words = WORDS[language]
    users = [f"{name}@{domain}" for name in ("ana", "bruno", "carla.sousa")[:None if long else 1]]
    for user in users:
        stack.add_mail_account(user, mailgen.Generator(user, 8).mailbox(60, 200_000))

    page = new_page(language).open().sign_in("technician")
    page.wait_text(words["new"], "main")
    fill_job_form(page, stack, domain)
    add_mailboxes(page, stack, users)
    page.wait(lambda: len(page.all(".mailboxes tbody tr")) == len(users))
    for step in ("initial", "verify"):
        take_step(page, step)
    final_pass(page)
    take_step(page, "verify")
    page.wait_text(words["ask"], ".next-step")
    job = int(page.driver.current_url.partition("/#/jobs/")[2].partition("/")[0])

    # A technician sees the gate, and is not offered what the role may not do.
    page.click(".tabs a[href$='/gate']")
    assert page.one(".gate-panel .gate").get_attribute("data-verdict") == "warning"
    assert page.texts(".facts-list [data-state=open]") and not page.all("[data-do=approve], [data-do=override], [data-do=revoke]")
    _, etag = stack.client("technician").verification(job)
    forced = page.fetch("POST", f"/jobs/{job}/approve-gate", {"mailboxes": len(users)}, {"If-Match": etag})
    assert (forced["status"], forced["body"]["code"]) == (403, "auth.forbidden")
    page.click(".tabs a[href$='/verification']")
    assert len(page.texts(".verification tbody tr")) == len(users)
    page.sign_out()

    page.sign_in("lead")
    page.open(f"/jobs/{job}/gate")
    assert not page.all("[data-do=override]")
    page.click("[data-do=approve]")
    page.type("dialog [name=mailboxes]", "2")
    assert not page.one("dialog button[type=submit]").is_enabled()
    page.type("dialog [name=mailboxes]", str(len(users)))
    page.click("dialog button[type=submit]")
    page.one(".gate-panel [data-verdict=ready_for_dns]")
    page.wait_text(words["ready"], ".gate-panel")
    assert stack.bearer("gate_reader").gate(domain)["verdict"] == "ready_for_dns"
    for user in users:
        result = stack.compare(user)
        assert result.equal, "\n".join(result.differences)


@pytest.mark.long
def test_progress_is_seen_and_stopped(stack, page, domain, new_job, tmp_path):
    """A pass over a slow line shows its counts while it moves, never 100 before its end, and stops when asked."""
    technician, job, users = new_job(stack, domain, messages=300)
    with Proxy(tmp_path, stack.source.tls_port, rate=50_000) as line:
        box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]["id"]
        etag = technician.call("GET", f"/mailboxes/{box}").etag
        technician.patch(f"/mailboxes/{box}", {"source": {"port": line.port, "secret": stack.source.users[users[0]]}}, etag)
        page.resume("technician").open(f"/jobs/{job['id']}")
        page.click("[data-do=initial]")

        def counted():
            return [int(v) for v in (e.get_attribute("aria-valuenow") for e in page.all(".mailboxes [role=progressbar]")) if v]
        seen = page.wait(counted, "no progress is shown")
        assert all(0 <= v <= 99 for v in seen)
        page.one(".mailboxes [data-status=running]")
        page.click(".cell-act button")
        page.one(".mailboxes [data-status=cancelled]")
    page.click(f"a[href='#/jobs/{job['id']}/runs']")
    page.one(".runs [data-status=cancelled]")
    page.click(".runs .cell-act button", "Log")
    page.one("dialog .log")


@pytest.mark.long
def test_wrong_password_is_explained_and_corrected(stack, page, domain, new_job):
    technician, job, users = new_job(stack, domain, messages=20)
    box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]
    etag = technician.call("GET", f"/mailboxes/{box['id']}").etag
    technician.patch(f"/mailboxes/{box['id']}", {"source": {"secret": "not this one"}}, etag)
    page.resume("technician").open(f"/jobs/{job['id']}")
    take_step(page, "preflight")
    page.one("[data-step=failed]")
    assert "The mail server refused user name or password" in page.text(".run-failure")
    page.click("a.row-link", users[0])
    page.click(".actions button", "Edit")
    page.type("[name=source-secret]", stack.source.users[users[0]])
    page.click("dialog button[type=submit]")
    page.gone("dialog")
    page.open(f"/jobs/{job['id']}")
    take_step(page, "failed")
    page.one("[data-step=initial]")
