"""MIGRATION_TENANTS: who belongs to one organisation neither sees nor touches what belongs to another."""

import pytest

from stack import tokens
from stack.client import Client

API_SETTINGS = {"MIGRATION_TENANTS": "true"}
PASSWORD = "correct horse battery"


def client(api, role, org):
    return Client(api.url, tokens.hs256(api.desk_key, role, sub=f"{role}-{org}", org=org))


@pytest.fixture(scope="module")
def acme(api):
    """A job with a mailbox and a run, and an account, all of the organisation acme."""
    technician, admin = client(api, "technician", "acme"), client(api, "super_admin", "acme")
    job = technician.create_job("acme.example", destination={"host": "new.example"})
    box = technician.add_mailboxes(job["id"], {"source": {"host": "old.example", "user": "ana", "secret": "s"},
                                               "destination": {"user": "ana", "secret": "s"}})[0]
    run = technician.post(f"/jobs/{job['id']}/preflight")["runs"][0]
    user = admin.post("/users", {"name": "ana@acme", "role": "technician", "password": PASSWORD})
    return {"job": job["id"], "mailbox": box["id"], "run": run["id"], "user": user["id"]}


def test_nothing_of_another_organisation(api, acme):
    other = client(api, "super_admin", "other")
    assert other.get("/jobs")["items"] == []
    tag = {"If-Match": '"1"'}
    for method, path, body in [
            ("GET", f"/jobs/{acme['job']}", None), ("PATCH", f"/jobs/{acme['job']}", {"title": "mine"}),
            ("DELETE", f"/jobs/{acme['job']}", None), ("GET", f"/jobs/{acme['job']}/mailboxes", None),
            ("POST", f"/jobs/{acme['job']}/mailboxes", []), ("GET", f"/jobs/{acme['job']}/runs", None),
            ("GET", f"/jobs/{acme['job']}/verify", None), ("POST", f"/jobs/{acme['job']}/sync", {"pass": "initial"}),
            ("POST", f"/jobs/{acme['job']}/approve-gate", {"mailboxes": 1}),
            ("POST", f"/jobs/{acme['job']}/revoke-gate", {"reason": "x"}),
            ("POST", f"/jobs/{acme['job']}/override-gate", {"mailboxes": 1, "reason": "x"}),
            ("GET", f"/mailboxes/{acme['mailbox']}", None), ("PATCH", f"/mailboxes/{acme['mailbox']}", {}),
            ("DELETE", f"/mailboxes/{acme['mailbox']}", {"reason": "x"}),
            ("GET", f"/mailboxes/{acme['mailbox']}/missing", None),
            ("POST", f"/mailboxes/{acme['mailbox']}/missing/accept", {"what": "missing", "count": 0, "reason": "x"}),
            ("GET", f"/runs/{acme['run']}", None), ("GET", f"/runs/{acme['run']}/log", None),
            ("POST", f"/runs/{acme['run']}/cancel", {}), ("POST", f"/runs/{acme['run']}/retry", {}),
            ("GET", f"/audit?job_id={acme['job']}", None)]:
        answer = other.request(method, path, body, tag)
        assert (answer.status, answer.json["code"]) == (404, "not_found"), (method, path, answer.text)
    gate = Client(api.url, tokens.hs256(api.desk_key, "gate_reader", org="other")).get("/gate?domain=acme.example")
    assert [r["code"] for r in gate["reasons"]] == ["job.none"]


def test_accounts_of_ones_own_organisation(api, acme):
    other, whole = client(api, "super_admin", "other"), client(api, "super_admin", "")
    assert other.get("/users")["items"] == []
    path = f"/users/{acme['user']}"
    assert other.request("DELETE", path).status == 404
    assert other.request("PATCH", path, {"password": "taken over at last"}, {"If-Match": '"1"'}).status == 404
    # neither an account elsewhere, nor one of the whole installation
    for org in ("acme", ""):
        answer = other.request("POST", "/users", {"name": "spy", "role": "super_admin", "org": org, "password": PASSWORD})
        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/org"), answer.text
    mine = other.post("/users", {"name": "eva@other", "role": "super_admin", "password": PASSWORD})
    assert mine["org"] == "other"
    answer = other.request("PATCH", f"/users/{mine['id']}", {"org": ""}, {"If-Match": '"1"'})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/org"), answer.text
    assert [u["name"] for u in other.get("/users")["items"]] == ["eva@other"]
    assert {"ana@acme", "eva@other"} <= {u["name"] for u in whole.get("/users")["items"]}
    whole.delete(path)
