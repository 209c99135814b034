"""Every screen in both languages, light and dark, wide and on a telephone: pictures for people to look at
(BUILD/screens), and what a machine can see of them."""

import re

import pytest
from selenium.webdriver.common.keys import Keys

import scene
from test_frame import SCREENS, assert_accessible

pytestmark = pytest.mark.long

WIDTHS = {"wide": 1280, "narrow": 390}
# Text that its box cuts off (what may scroll or ends in an ellipsis on purpose is marked so), and words that were not found.
LOOK = r"""
const cut = [], keys = [];
for (const e of document.querySelectorAll('body *')) {
  const s = getComputedStyle(e);
  if (!e.textContent.trim() || e.closest('.visually-hidden, .clip, dialog:not([open]), svg, option')) continue;
  if (s.overflowX === 'hidden' && e.scrollWidth > e.clientWidth + 1) cut.push(e.className + ': ' + e.textContent.trim().slice(0, 60));
}
for (const e of document.querySelectorAll('.table-card')) if (innerWidth > 1000 && e.scrollWidth > e.clientWidth + 1) cut.push('scrolls: ' + e.innerText.slice(0, 60));
for (const e of document.querySelectorAll('.rows-in-sight td')) if (e.scrollWidth > e.clientWidth + 1) cut.push('cell: ' + e.innerText.slice(0, 60));
for (const e of document.querySelectorAll('[aria-current]')) { const r = e.getBoundingClientRect();
  if (r.left < -1 || r.right > innerWidth + 1) cut.push('out of sight: ' + e.innerText); }
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const text = walk.currentNode.textContent.trim();
  if (/^[a-z]+(\.[a-z]+)+$/.test(text) && !walk.currentNode.parentElement.closest('code, .code, td, a, h1')) keys.push(text);
  if (/undefined|\[object|NaN/.test(text)) keys.push(text);
  if (/\{\w+\}/.test(text)) keys.push(text);
}
return {cut, keys, wide: Math.max(document.documentElement.scrollWidth, innerWidth) - arguments[0], height: Math.ceil(document.documentElement.scrollHeight)};
"""


@pytest.fixture(scope="module")
def job(stack):
    return scene.make(stack, "vista.example")


def name_of(path):
    return re.sub(r"\W+", "-", path.format(job="job", mailbox="mailbox")).strip("-") or "jobs"


def picture(page, build_dir, name, asked):
    """The whole screen, not only what the window shows; asked: its width. A telephone's grows with what does not fit."""
    seen = page.driver.execute_script(LOOK, asked)
    width = page.driver.execute_script("return innerWidth")
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": min(seen["height"], 6000), "deviceScaleFactor": 1, "mobile": width < 500})
    directory = build_dir / "screens"
    directory.mkdir(exist_ok=True)
    page.driver.save_screenshot(str(directory / f"{name}.png"))
    return seen


@pytest.mark.parametrize("language", ["pt", "en"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_screen(job, new_page, build_dir, language, width, dark):
    page = new_page(language)
    faults = []

    def look(name):
        page.emulate(width=WIDTHS[width])
        seen = picture(page, build_dir, f"{name}.{language}.{width}.{'dark' if dark else 'light'}", WIDTHS[width])
        if seen["wide"] > 0 or seen["cut"] or seen["keys"]:
            faults.append((name, seen))
    page.emulate(width=WIDTHS[width], dark=dark)
    page.open().one("[name=user]")
    look("sign-in")
    page.resume("admin")
    for path, css in SCREENS:
        page.emulate(width=WIDTHS[width])
        page.open(path.format(**job)).one(css)
        page.wait(lambda: not page.all("main p.muted[role=status]"))
        look(name_of(path))
    page.emulate(width=WIDTHS[width])
    page.open(f"/jobs/{job['job']}/gate").click("[data-do=override]")
    page.type("dialog [name=reason]", "agreed with the customer")
    look("dialog-override")
    page.open(f"/jobs/{job['job']}/mailboxes/{job['mailbox']}/edit").one("dialog form")
    look("dialog-edit")
    page.emulate(width=WIDTHS[width])
    page.open("/users").click("[data-users-new]")
    page.one("dialog input")
    look("dialog-user")
    assert not faults, "\n".join(map(str, faults))


# [what opens it, …], each on its screen
DIALOGS = {
    "/jobs/{job}": ["[data-do=final]"],
    "/jobs/{job}/mailboxes/{mailbox}": [".actions .button:has(.icon)", ".actions .quiet"],
    "/jobs/{job}/runs": [".runs .cell-act button"],
    "/jobs/{job}/gate": ["[data-do=override]", ".reason button"],
    "/jobs/{job}/verification/{mailbox}": ["[data-accept]"],
    "/jobs/{job}/dns": ["[data-do=rollback]"],
    "/users": ["[data-users-new]", ".table .cell-act button"],
    "/audit": [".audit tbody button"],
}


@pytest.mark.parametrize("path", DIALOGS)
def test_dialogs_are_accessible(job, new_page, build_dir, path):
    """axe-core, light and dark, wide and narrow; and each closes with Escape."""
    page = new_page("pt").resume("admin")
    for opener in DIALOGS[path]:
        page.open(path.format(**job)).click(opener)
        page.one("dialog h2")
        assert_accessible(page, build_dir)
        page.press(Keys.ESCAPE)
        page.gone("dialog")


def test_the_session_that_ended_is_accessible(job, new_page, build_dir):
    page = new_page().open().sign_in("technician")
    page.one(".page-head")
    assert page.fetch("DELETE", "/session")["status"] == 204
    page.open(f"/jobs/{job['job']}").one("dialog [name=password]")
    assert_accessible(page, build_dir)
