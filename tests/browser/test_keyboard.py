"""A company moves without a mouse: every action is reached by Tab, Enter, Space and arrows; the focus is seen at each
stop, and is never lost when a part of the page is drawn anew or a dialog closes."""

import pytest
from selenium.webdriver.common.keys import Keys

from stack import mailgen

pytestmark = pytest.mark.long

WORDS = {"en": ("New migration", "Ready for DNS"), "pt": ("Nova migração", "Pronto para DNS")}
# [it matches, it is the body, it is seen, what it is]
STOP = """
const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
const marked = (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none';
const inside = r.bottom > 0 && r.top < innerHeight && r.right > 0 && r.left < innerWidth;
return [e.matches(arguments[0]), e === document.body, (marked && inside) || e.matches('body, html, main'),
  e.outerHTML.slice(0, 120) + ' ' + [s.outlineStyle, s.outlineWidth, s.boxShadow, Math.round(r.top), Math.round(r.left)]];
"""


class Keyboard:
    """A person at a page, who has no mouse."""

    def __init__(self, page):
        self.page = page
        self.unseen = []

    def stop(self, css="*"):
        matches, lost, seen, what = self.page.driver.execute_script(STOP, css)
        if not seen:
            self.unseen.append(what)
        return matches, lost

    def to(self, css, back=False, limit=300):
        """Tab until the focus is on such an element."""
        self.page.one(css)
        for _ in range(limit):
            if self.stop(css)[0]:
                return self
            self.page.press(*((Keys.SHIFT, Keys.TAB) if back else (Keys.TAB,)))
        raise AssertionError(f"Tab does not reach {css}")

    def type(self, css, text):
        self.to(css).page.press(Keys.CONTROL, "a")
        self.page.press(text)
        return self

    def enter(self, css):
        self.to(css).page.press(Keys.ENTER)
        return self

    def held(self):
        """The focus is somewhere, not on the page as a whole: what was under it may have gone."""
        self.page.wait(lambda: not self.stop()[1], "the focus is lost")
        return self

    def take_step(self, step):
        self.page.one(f"[data-step={step}] .next-action button:enabled")
        return self.enter(f"[data-step={step}] .next-action button")


@pytest.mark.parametrize("language", ["en", "pt"])
def test_story_by_keyboard(stack, new_page, domain, language):
    users = [f"{name}@{domain}" for name in ("ana", "bruno")]
    for user in users:
        stack.add_mail_account(user, mailgen.Generator(user, 8).mailbox(20, 50_000))
    servers = stack.job_servers()
    page = new_page(language).open()
    keys = Keyboard(page)

    keys.type("[name=user]", "technician").type("[name=password]", stack.password("technician"))
    page.press(Keys.ENTER)
    page.wait_text(WORDS[language][0], "main")
    keys.enter("a[href='#/new']")
    page.one("[name=domains]")
    keys.held().type("[name=domains]", domain).type("[name=ticket]", "DESK-77")
    keys.to("[name=provider]").page.press(Keys.ARROW_LEFT)  # one stop for all providers, arrows between them
    assert page.driver.execute_script("return document.activeElement.value") == "dovecot"
    keys.type("[name=source-host]", servers["source"]["host"]).type("[name=source-port]", str(servers["source"]["port"]))
    keys.type("[name=destination-host]", servers["destination"]["host"]).type("[name=destination-port]", str(servers["destination"]["port"]))
    keys.to("[name=destination-tls]").page.press(Keys.ARROW_DOWN)
    keys.enter("form button[type=submit]")
    page.one(".grid")
    keys.held()
    for number, user in enumerate(users, 1):
        row = f".grid tr:nth-child({number}) "
        keys.type(row + "[name=source_user]", user).type(row + "[name=source_password]", stack.source.users[user])
        keys.type(row + "[name=dest_user]", user).type(row + "[name=dest_password]", stack.destination.users[user])
    keys.enter("form button[type=submit]")
    page.wait(lambda: len(page.all(".mailboxes tbody tr")) == len(users))
    keys.held()

    for step in ("initial", "verify"):
        keys.take_step(step).held()
    keys.take_step("final").to("dialog input[type=checkbox]").page.press(Keys.SPACE)
    keys.enter("dialog button[type=submit]")
    page.gone("dialog")
    keys.held().take_step("verify").held()
    page.one("[data-step=ask]")
    keys.held()
    job = int(page.driver.current_url.partition("/#/jobs/")[2].partition("/")[0])
    for tab in ("verification", "gate", "runs"):
        keys.enter(f".tabs a[href$='/{tab}']").held()
    page.one(".runs tbody tr")
    keys.enter(".runs .cell-act button")
    page.one("dialog .log")
    keys.to("dialog input[type=search]").page.press(Keys.ESCAPE)
    page.gone("dialog")
    assert keys.stop(".runs .cell-act button")[0], "the dialog does not give the focus back to what opened it"
    keys.enter(".menu > button").enter("#sign-out")

    keys.type("[name=user]", "lead").type("[name=password]", stack.password("lead"))
    page.press(Keys.ENTER)
    page.one(".runs")  # where whoever signed out here had been
    keys.held().enter(".crumbs a")
    page.one(".page-head")
    keys.held().enter(f"a.row-link[href='#/jobs/{job}']").held().enter(".tabs a[href$='/gate']").held()
    page.one("[data-do=approve]:enabled")
    keys.enter("[data-do=approve]").type("dialog [name=mailboxes]", str(len(users)))
    page.press(Keys.ENTER)
    page.gone("dialog")
    page.wait_text(WORDS[language][1], ".gate-panel")
    keys.held()  # the button that opened the dialog is no longer offered
    assert stack.bearer("gate_reader").gate(domain)["verdict"] == "ready_for_dns"
    assert not keys.unseen, keys.unseen


def test_dialogs_give_the_focus_back(stack, new_page, domain, new_job):
    technician, job, _ = new_job(stack, domain, messages=5)
    mailbox = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]["id"]
    assert all(r["status"] == "succeeded" for r in technician.do(job["id"], "sync", pass_="final"))
    page = new_page().resume("admin")
    keys = Keyboard(page)
    at = f"/jobs/{job['id']}"
    for path, opener in ((at, "[data-do=final]"), (f"{at}/mailboxes/{mailbox}", ".actions .quiet"), (f"{at}/runs", ".runs .cell-act button"),
                         (f"{at}/gate", "[data-do=override]"), ("/users", "[data-users-new]")):
        page.open(path)
        keys.enter(opener)
        page.one("dialog")
        keys.held()
        for _ in range(40):  # Tab stays inside
            page.press(Keys.TAB)
            assert page.driver.execute_script("return document.activeElement === document.body || Boolean(document.activeElement.closest('dialog'))"), path
        page.press(Keys.ESCAPE)
        page.gone("dialog")
        assert keys.stop(opener)[0], path
    assert not keys.unseen, keys.unseen


def test_a_button_that_rests_keeps_the_focus(new_stack, new_page, domain):
    """Disabled while it works, then enabled again: Tab goes on from there."""
    stack = new_stack(mail=False, with_worker=False)
    technician = stack.client("technician")
    job = technician.create_job(domain)
    page = new_page(at=stack).resume("technician").open(f"/jobs/{job['id']}/details")
    keys = Keyboard(page)
    keys.type("[name=title]", "another name").enter("form button[type=submit]")
    page.wait(lambda: technician.get(f"/jobs/{job['id']}")["title"] == "another name")
    page.one("form button[type=submit]:enabled")
    page.wait(lambda: keys.stop("form button[type=submit]")[0], "the focus did not come back")
    assert not keys.unseen, keys.unseen
