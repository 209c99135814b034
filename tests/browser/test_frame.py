"""The frame of the page: languages, looks, narrow screens, keyboard, accessibility, the badge."""

import pytest
from selenium.webdriver.common.keys import Keys

SCREENS = [("/", ".page-head"), ("/new", "form"), ("/jobs/{job}", ".mailboxes"), ("/jobs/{job}/verification", ".verification"),
           ("/jobs/{job}/verification/{mailbox}", ".page-head h2"),
           ("/jobs/{job}/gate", "[data-report]"), ("/jobs/{job}/dns", "[data-plan]"), ("/jobs/{job}/runs", "main .tabs"), ("/jobs/{job}/details", "form"),
           ("/jobs/{job}/add", ".grid"), ("/jobs/{job}/mailboxes/{mailbox}", ".mailbox-now"), ("/settings", ".table"),
           ("/users", ".table"), ("/audit", ".audit"), ("/uploads", ".drop"), ("/jobs/{job}/folders", ".folder-map"),
           ("/jobs/{job}/check", ".preflight")]


@pytest.fixture
def screens(stack, domain, new_job):
    """The address of every screen of a job with one mailbox."""
    technician, job, _ = new_job(stack, domain, messages=0)
    mailbox = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]["id"]
    return [(path.format(job=job["id"], mailbox=mailbox), css) for path, css in SCREENS]


def test_language_and_theme_are_kept(page):
    page.open()
    page.wait_text("Sign in", "button")
    page.click("button[lang=pt]")
    page.wait_text("Iniciar sessão", "button")
    page.click(".segmented button", "Escuro")
    assert page.driver.execute_script("return document.documentElement.dataset.theme") == "dark"
    page.driver.refresh()
    page.wait_text("Iniciar sessão", "button")
    assert page.driver.execute_script("return [document.documentElement.lang, document.documentElement.dataset.theme]") == ["pt", "dark"]


@pytest.mark.long
@pytest.mark.parametrize("width", [390, 1280])
def test_no_screen_is_wider_than_the_window(page, screens, width):
    page.resume("admin").emulate(width=width)
    for path, css in screens:
        page.open(path).one(css)
        wide = page.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path}: {wide} px too wide at {width}"


@pytest.mark.long
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_accessibility(page, screens, build_dir, dark):
    axe = build_dir / "www/npm/node_modules/axe-core/axe.min.js"
    if not axe.exists():
        pytest.skip("axe-core is not in the build tree: it is fetched only when the page is built from a clone")
    page.emulate(dark=dark)
    page.open().one("[name=user]")
    found = {"sign-in": run_axe(page, axe)}
    page.resume("admin")
    for path, css in screens:
        page.open(path).one(css)
        found[path] = run_axe(page, axe)
    assert not {path: bad for path, bad in found.items() if bad}


def assert_accessible(page, build_dir):
    """No violation in light and dark, wide and narrow, as the page stands."""
    axe = build_dir / "www/npm/node_modules/axe-core/axe.min.js"
    for dark, width in ((False, 1280), (True, 390)) if axe.exists() else ():
        page.emulate(width=width, dark=dark)
        assert run_axe(page, axe) == [], f"dark: {dark}, {width} px"
        wide = page.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} px too wide at {width}"
    page.emulate(width=1280, dark=False)


def run_axe(page, axe):
    # By the protocol of the developer tools: the page's own policy lets no such script in.
    page.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe.read_text(encoding="utf-8")})
    return page.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then("
        "(r) => done(r.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)).join(' | '))),"
        "(e) => done([String(e)]))")


@pytest.mark.long
def test_keyboard_reaches_a_new_migration(page, stack, domain):
    page.resume("technician").one("input[type=search]")
    page.driver.find_element("tag name", "body").send_keys("/")
    assert page.driver.switch_to.active_element.get_attribute("type") == "search"
    link = page.one("a.button[href='#/new']")
    for _ in range(30):
        if page.driver.switch_to.active_element == link:
            break
        page.press(Keys.SHIFT, Keys.TAB)
    page.press(Keys.ENTER)
    page.one("[name=domains]")
    page.wait(lambda: page.driver.switch_to.active_element.get_attribute("id") in ("main", "") or
              page.driver.switch_to.active_element.get_attribute("name") == "domains")
    page.one("[name=domains]").send_keys(domain)
    page.one("[name=source-host]").send_keys("mail." + domain, Keys.ENTER)
    page.one(".grid")


@pytest.mark.long
def test_users_are_for_the_super_admin(page, stack, new_page):
    page.resume("admin").open("/users")
    assert any("technician" in row for row in page.texts("tbody tr"))
    other = new_page().resume("technician").open("/users")
    other.one(".notice.warn")
    assert not other.all("a[href='#/users']")
    assert other.fetch("GET", "/users")["status"] == 403


def test_badge_in_a_foreign_page(page, stack, domain, new_job):
    technician, job, _ = new_job(stack, domain, messages=0)
    etag = technician.call("GET", f"/jobs/{job['id']}").etag
    technician.patch(f"/jobs/{job['id']}", {"ticket": f"HD-{domain}"}, etag)
    page.resume("technician")
    page.driver.get(stack.url + "/vendor/LICENSE-htm.txt")  # a document that is not the page
    page.driver.execute_async_script(
        "const [ticket, domain, done] = arguments; const s = document.createElement('script'); s.type = 'module'; s.src = '/badge.js';"
        "for (const [k, v] of [['ticket', ticket], ['domain', domain], ['domain', 'nobody.example']]) {"
        " const b = document.createElement('migration-gate-badge'); b.setAttribute(k, v); document.body.append(b); }"
        "s.onload = () => done(); document.head.append(s);", f"HD-{domain}", domain)

    def badges():
        return page.driver.execute_script("return [...document.querySelectorAll('migration-gate-badge')].map((b) => b.shadowRoot?.textContent ?? '')")
    page.wait(lambda: all(len(t) > 3 for t in badges()))
    page.wait(lambda: [t.split(": ")[-1] for t in badges()] == ["Blocked", "Blocked", "No migration"], str(badges()))
    href = page.driver.execute_script("return document.querySelector('migration-gate-badge').shadowRoot.querySelector('a').href")
    assert href == f"{stack.url}/#/jobs/{job['id']}"
