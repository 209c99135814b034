"""The whole path of a mailbox, as a technician walks it; imapcheck is the judge."""

import imaplib

from stack import imapcheck, mailgen


def assert_equal(stack, user):
    result = stack.compare(user)
    assert result.equal, "\n".join(result.differences)
    return result


def assert_succeeded(runs):
    assert [r["status"] for r in runs] == ["succeeded"] * len(runs), \
        [(r["id"], r["kind"], r["status"], r["code"], r["message"]) for r in runs]


def test_whole_path(stack, domain, new_job, long):
    technician, job, users = new_job(stack, domain, people=("ana", "joão", "o'neil+x"), messages=120 if long else 60)
    before = {user: imapcheck.read(stack.account(stack.source, user)) for user in users}
    assert technician.gate(domain)["verdict"] == "blocked"

    assert_succeeded(technician.do(job["id"], "preflight"))
    assert_succeeded(technician.do(job["id"], "sync", pass_="initial"))
    for user in users:
        assert_equal(stack, user)
        # reading a mailbox leaves no trace in it: not even \\Seen
        assert imapcheck.read(stack.account(stack.source, user)).folders == before[user].folders

    arrived = {}
    for user in users:
        generator = mailgen.Generator(user, "later")
        arrived[user] = stack.deliver(user, [mailgen.Folder("INBOX", True, generator.new_mail(7)),
                                             mailgen.Folder("Mais tarde/ça", True, [generator.message()])])[0]
    assert_succeeded(technician.do(job["id"], "sync", pass_="delta"))
    for box in technician.get(f"/jobs/{job['id']}/mailboxes")["items"]:
        last = box["state"]["last_pass"]
        assert (last["pass"], last["copied"]) == ("delta", arrived[box["source"]["user"]])
        assert last["present"] == last["messages"] - last["copied"]
    for user in users:
        assert_equal(stack, user)

    assert_succeeded(technician.do(job["id"], "verify"))
    gate = technician.gate(domain)
    assert gate["verdict"] == "warning"  # no final pass yet
    assert "pass.none_final" in {r["code"] for r in gate["reasons"]}

    assert_succeeded(technician.do(job["id"], "sync", pass_="final"))
    assert_succeeded(technician.do(job["id"], "verify"))
    document, _ = technician.verification(job["id"], folders=True)
    for box in document["mailboxes"]:
        proof = box["verification"]
        result = assert_equal(stack, box["source_user"])
        assert proof["complete"] and proof["current"] and proof["missing"] == 0 and proof["differing"] == 0
        assert proof["found"] == proof["expected"] == result.messages
        assert sum(f["found"] for f in proof["folders"]) == result.messages
    gate = technician.gate(domain)
    assert (gate["verdict"], {r["code"] for r in gate["reasons"]}) == ("warning", {"gate.not_approved"})

    approved = stack.client("lead").approve(job["id"])
    assert approved["verdict"] == "ready_for_dns" and approved["approval"]["valid"]
    gate = stack.bearer("gate_reader").gate(domain.upper())
    assert gate["verdict"] == "ready_for_dns" and gate["ready"] is True and gate["ratio"] == 1


def test_second_initial_pass_copies_nothing(stack, domain, new_job):
    technician, job, users = new_job(stack, domain, messages=40)
    assert_succeeded(technician.do(job["id"], "sync", pass_="initial"))
    assert_succeeded(technician.do(job["id"], "sync", pass_="initial"))
    last = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]["state"]["last_pass"]
    assert last["copied"] == 0 and last["present"] == last["messages"] > 0
    assert_equal(stack, users[0])


def test_destination_that_another_tool_has_filled(stack, domain, new_job):
    """Without state, what is there already is known by its identity: nothing comes twice."""
    technician, job, users = new_job(stack, domain, messages=0)
    folders = mailgen.Generator(users[0], 5).mailbox(60, 100_000)
    stack.deliver(users[0], folders)
    half = [mailgen.Folder(f.path, f.subscribed, f.messages[::2]) for f in folders]
    already = stack.deliver(users[0], half, stack.destination)[0]
    assert_succeeded(technician.do(job["id"], "sync", pass_="initial"))
    result = assert_equal(stack, users[0])
    last = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]["state"]["last_pass"]
    assert (last["present"], last["copied"]) == (already, result.messages - already)


def test_passwords_of_any_form(stack, domain, new_job):
    """A password is bytes: quotes, backslashes, spaces, accents, per cent signs."""
    technician, job, users = new_job(stack, domain, messages=0)
    awkward = 'p "q\\ ç%41 \'$(x)` ~&'
    stack.source.add_user(users[0], awkward)
    stack.destination.add_user(users[0], awkward[::-1])
    box = technician.get(f"/jobs/{job['id']}/mailboxes")["items"][0]
    etag = technician.call("GET", f"/mailboxes/{box['id']}").etag
    technician.patch(f"/mailboxes/{box['id']}", {"source": {"secret": awkward}, "destination": {"secret": awkward[::-1]}},
                     etag)
    assert_succeeded(technician.do(job["id"], "preflight"))


def test_same_mail_in_two_orders_of_servers(stack, domain, new_job):
    """Source by STARTTLS, destination by TLS: the other way round than usual."""
    users = [f"back@{domain}"]
    stack.add_mail_account(users[0], mailgen.Generator(users[0], 2).mailbox(30, 50_000))
    technician = stack.client("technician")
    job = technician.create_job(domain, source={"kind": "imap", "host": "localhost", "port": stack.source.starttls_port,
                                                "tls": "starttls"},
                                destination={"host": "localhost", "port": stack.destination.tls_port, "tls": "tls"})
    technician.add_mailboxes(job["id"], stack.mailbox_request(users[0]))
    assert_succeeded(technician.do(job["id"], "sync", pass_="initial"))
    assert_equal(stack, users[0])


def test_the_judge_can_tell(stack, domain):
    """A judge that never finds anything proves nothing: each kind of difference must show."""
    user = f"judge@{domain}"
    folders = [mailgen.Folder("INBOX", True, [mailgen.Generator(user, 1).message(flags=()) for _ in range(3)])]
    stack.add_mail_account(user, folders)
    stack.deliver(user, folders, stack.destination)
    assert stack.compare(user).equal

    def change(*commands):
        account = stack.account(stack.destination, user)
        connection = imaplib.IMAP4_SSL(account.host, account.port, ssl_context=_context(account.ca_file))
        connection.login(account.user, account.password)
        connection.select("INBOX")
        for command in commands:
            getattr(connection, command[0])(*command[1:])
        connection.logout()
    change(("store", "1", "+FLAGS", "(\\Flagged)"))
    assert not stack.compare(user).equal
    assert stack.compare(user, flags=False).equal
    change(("store", "1", "-FLAGS", "(\\Flagged)"), ("unsubscribe", "INBOX"))
    assert [d.split(":")[0] for d in stack.compare(user).differences] == ["subscription of 'INBOX'"]
    change(("subscribe", "INBOX"), ("copy", "2", "INBOX"))
    assert "1 without an equal here" in stack.compare(user).differences[0]
    change(("store", "2,4", "+FLAGS", "(\\Deleted)"), ("expunge",))
    assert "1 without an equal there" in stack.compare(user).differences[0]


def _context(ca_file):
    import ssl
    return ssl.create_default_context(cafile=str(ca_file))
