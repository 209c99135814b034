"""What a destination refuses is kept with its words, can be fetched, and is tried again by itself alone."""

import hashlib

import pytest

from stack import imapload, mailgen
from stack.stack import Stack

LIMIT = """
plugin {{
  quota_max_mail_size = {}
}}
"""
MAIL = ("From: Ana <ana@a.example>\r\nTo: b@a.example\r\nSubject: =?utf-8?q?Relat=C3=B3rio_{}?=\r\n"
        "Date: Tue, 05 May 2015 05:05:05 -0300\r\nMessage-ID: <{}@a.example>\r\n\r\n")


def mail(number, size):
    text = MAIL.format(number, number).encode()
    return text + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * (size // 72)


@pytest.fixture(scope="module")
def limited(build_dir):
    """A destination that takes no mail over 50 kB."""
    with Stack(build_dir, destination={"quota": "1G", "more": LIMIT.format("50k")}) as stack:
        yield stack
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


def test_refused_kept_tried_again(limited):
    stack, user = limited, "ana@q.example"
    stack.add_mail_account(user, mailgen.Generator(user, 3).mailbox(20, 2000))
    bytes_of = {number: mail(number, 60_000) for number in (1, 2)}
    loader = imapload.Loader(stack.source.host, stack.source.tls_port, user, stack.source.users[user], stack.ca.certificate)
    loader.append("INBOX", [(data, " 5-May-2015 05:05:05 -0300", ("\\Seen",)) for data in bytes_of.values()])
    loader.close()
    technician = stack.client("technician")
    job = technician.create_job("q.example", **stack.job_servers())
    box = technician.add_mailboxes(job["id"], [stack.mailbox_request(user)])[0]
    path = f"/mailboxes/{box['id']}/quarantine"
    assert technician.get(path) == {"items": [], "next": None}

    run, = technician.do(job["id"], "sync", 60, pass_="initial")
    assert run["status"] == "partial", run
    items = technician.get(path)["items"]
    assert [i["subject"] for i in items] == ["Relatório 1", "Relatório 2"]
    for item, data in zip(items, bytes_of.values()):
        assert (item["state"], item["folder"], item["destination"], item["kept"]) == ("open", "INBOX", "INBOX", True)
        assert item["size"] == len(data) and "2015" in item["date"] and "ana@a.example" in item["from"]
        assert item["server"] and item["code"] in ("message.refused", "message.too_large", "quota.exceeded"), item
        answer = technician.call("GET", f"{path}/{item['n']}")
        assert hashlib.sha256(answer.body).digest() == hashlib.sha256(data).digest()
        assert answer.headers["Content-Type"] == "message/rfc822" and "attachment" in answer.headers["Content-Disposition"]
    assert technician.get(path + "?limit=1")["items"] == items[:1]
    assert technician.request("GET", f"{path}/999999").status == 404
    assert technician.request("GET", f"{path}/0").status == 404
    assert technician.request("GET", path + "?state=lost").status == 422

    # still refused: the newer words take the place of the older
    first = technician.post(f"{path}/{items[0]['n']}/retry")
    assert (first["kind"], first["status"]) == ("recopy", "queued")
    again, = technician.wait_runs([first], 60)
    assert again["status"] == "partial", again
    now = technician.get(path)["items"]
    assert [i["subject"] for i in now] == ["Relatório 2", "Relatório 1"] and now[1]["run_id"] == again["id"]
    assert technician.request("POST", f"{path}/{items[0]['n']}/retry", {}).status == 404

    # a verification names what the destination said of each, by folder and by message
    technician.do(job["id"], "verify", 60)
    missing = technician.get(f"/mailboxes/{box['id']}/missing?limit=1")
    assert missing["classes"] == [{"class": "refused", "count": 2}] and missing["next"]
    assert missing["items"][0]["class"] == "refused" and missing["items"][0]["server"] in {i["server"] for i in now}
    assert technician.get(f"/mailboxes/{box['id']}/missing?class=unexplained")["items"] == []
    row, = technician.get(f"/jobs/{job['id']}/verify")["mailboxes"]
    assert row["quarantined"] == [{"folder": "INBOX", "count": 2}]

    stack.destination.change(more=LIMIT.format("100k"))
    number = now[1]["n"]
    done, = technician.wait_runs([technician.post(f"{path}/{number}/retry", {"queue": True})], 60)
    assert done["status"] == "succeeded" and done["result"]["messages_copied"] == 1, done
    assert [(i["subject"], i["state"]) for i in technician.get(path)["items"]] == [("Relatório 2", "open"), ("Relatório 1", "moved")]
    assert technician.request("POST", f"{path}/{number}/retry", {}).status == 409
    rest, = technician.do(job["id"], "sync", 60, pass_="delta")
    assert rest["status"] == "succeeded" and rest["result"]["messages_copied"] == 1, rest
    assert [i["state"] for i in technician.get(path)["items"]] == ["moved", "moved"]
    assert technician.get(path + "?state=open")["items"] == []
    result = stack.compare(user)
    assert result.equal, result.differences


def test_other_organisations_see_nothing(limited):
    """The path is the mailbox's: a number of another one's quarantine is not found."""
    technician = limited.client("technician")
    assert technician.request("GET", "/mailboxes/77777/quarantine").status == 404
    assert technician.request("POST", "/mailboxes/77777/quarantine/1/retry", {}).status == 404
