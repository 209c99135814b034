"""Each screen for each role: what a role may not do is not offered, and is refused when somebody forces it.

One table, SCREEN x ROLE -> what is offered of all that depends on the role; the screens are those of test_frame, which
must be all that the page has."""

import json
import pathlib
import re

import pytest

import scene
from test_frame import SCREENS

pytestmark = pytest.mark.long
TOP = pathlib.Path(__file__).resolve().parents[2]
ROLES = {"technician": "technician", "lead": "ops_lead", "admin": "super_admin"}

# everything on the page that not every role is offered
GUARDED = {
    "approve": "[data-do=approve]", "override": "[data-do=override]", "revoke": "[data-do=revoke]",
    "accept": "[data-accept], .reason button", "accept an account": "[data-accounts] li input[type=checkbox]",
    "change DNS": "[data-do=dns-apply]", "restore DNS": "[data-do=dns-rollback]", "way back": "[data-do=rollback]",
    "audit": "nav a[href='#/audit']", "audit of the job": "main a[href^='#/audit?']", "users": "nav a[href='#/users']",
    "the trail": ".audit tbody tr", "the accounts": "[data-users] tbody tr", "a new account": "[data-users-new]",
}
FRAME = {"technician": set(), "lead": {"audit"}, "admin": {"audit", "users"}}
# beyond the frame; a screen that is not named here offers the same to all
OFFERED = {
    "/jobs/{job}/gate": {"lead": {"approve", "accept", "accept an account"}, "admin": {"approve", "override", "accept", "accept an account"}},
    "/jobs/{job}/verification/{mailbox}": {"lead": {"accept"}, "admin": {"accept"}},
    "/jobs/{job}/dns": {"lead": {"change DNS", "way back"}, "admin": {"change DNS", "way back"}},
    "/jobs/{job}/details": {"lead": {"audit of the job"}, "admin": {"audit of the job"}},
    "/audit": {"lead": {"the trail"}, "admin": {"the trail"}},
    "/users": {"admin": {"the accounts", "a new account"}},
}
REFUSED = {("/audit", "technician"), ("/users", "technician"), ("/users", "lead")}


def views():
    """The first part of each address that main.js knows, and each part of a job that view-job.js knows."""
    main = (TOP / "www/js/main.js").read_text(encoding="utf-8")
    table = main[main.index("const views = {"):]
    job = (TOP / "www/js/view-job.js").read_text(encoding="utf-8")
    parts = set(re.findall(r"\{ id: '(\w*)'", job)) | set(re.findall(r"at === '(\w+)'", job))
    return set(re.findall(r"^\t'?(\w*)'?:", table[:table.index("};")], re.M)), parts


def test_the_table_knows_every_screen():
    places, parts = views()
    assert {path.strip("/").split("/")[0] for path, _ in SCREENS} == places
    assert {(path.split("/") + [""])[3] for path, _ in SCREENS if path.startswith("/jobs/")} == parts
    assert set(OFFERED) <= {path for path, _ in SCREENS}


@pytest.fixture(scope="module")
def job(stack):
    """In which everything that a role could do is open."""
    return scene.make(stack)


def offered(page):
    return {name for name, css in GUARDED.items() if any(e.is_displayed() for e in page.all(css))}


@pytest.mark.parametrize("role", ROLES)
def test_each_screen_offers_what_the_role_may_do(job, new_page, role):
    page = new_page().resume(role)
    for path, css in SCREENS:
        refused = (path, role) in REFUSED
        page.open(path.format(**job)).one("main .notice.warn" if refused else css)
        wanted = FRAME[role] | OFFERED.get(path, {}).get(role, set())
        page.wait(lambda w=wanted: offered(page) == w, f"{path}: {sorted(offered(page))}, not {sorted(wanted)}")


# what a path's parameters are, when the job's own numbers are not meant
NAMES = {"{name}": "nothing", "{n}": "1"}


def operations():
    """(method, path, roles) of every operation that asks who calls."""
    document = json.loads((TOP / "fcgi/openapi.json").read_text(encoding="utf-8"))
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and operation.get("x-roles"):
                roles = operation["x-roles"]
                yield method.upper(), path, ["super_admin"] if roles == "override" else roles


@pytest.mark.parametrize("role", ROLES)
def test_what_is_not_offered_is_refused(stack, job, new_page, role):
    """Every operation of the API, asked from the console of a browser in which somebody is signed in."""
    page = new_page().resume(role)
    page.one(".topbar")
    etag = stack.client("technician").verification(job["job"])[1]
    forbidden, tried = [], 0
    for method, path, roles in operations():
        number = job["mailbox"] if path.startswith("/mailboxes") else job["job"]
        address = path.replace("{id}", str(number))
        for name, value in NAMES.items():
            address = address.replace(name, value)
        if ROLES[role] in roles:
            if method == "GET":
                assert page.fetch(method, address)["status"] not in (401, 403), address
            continue
        tried += 1
        answer = page.fetch(method, address, None if method == "GET" else {}, {"If-Match": etag})
        if answer["status"] != 403 or answer["body"]["code"] != "auth.forbidden":
            forbidden.append((method, address, answer))
    assert not forbidden, forbidden
    assert tried >= {"technician": 19, "lead": 11, "admin": 6}[role]
    # and nothing has changed
    assert stack.client("technician").verification(job["job"])[1] == etag


def test_what_never_came_is_not_done(job, new_page):
    """One mailbox could not be opened: all that was counted is there, and that is not everything."""
    page = new_page().resume("technician").open(f"/jobs/{job['job']}")
    assert page.one(".job-progress [role=progressbar]").get_attribute("aria-valuenow") == "99"
    page.open(f"/jobs/{job['job']}/check").one("[data-check=bad]")
    assert len(page.all("[data-check=bad]")) == 1 and not page.all(".notice.good")
