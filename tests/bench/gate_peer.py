"""The peer of the gate benchmark: the same question, answered by FastAPI and SQLite in one process.

It reads the service's own database: the open job of the domain and, for each of its mailboxes, the latest
verification. That is less than the gate does (no passes, no decisions, no acceptances)."""

import os
import sqlite3

import fastapi
import jwt

KEY = os.environ["PEER_KEY"]
DATABASE = os.environ["PEER_DATABASE"]
READERS = {"gate_reader", "technician", "ops_lead", "super_admin"}
QUERY = """
SELECT count(*), sum(v.found), sum(v.expected), sum(v.id IS NULL OR v.found * 100 < v.expected * 99)
FROM job_domains d JOIN mailboxes m ON m.job_id = d.job_id AND m.removed = 0
LEFT JOIN verifications v ON v.id = (SELECT max(id) FROM verifications WHERE mailbox_id = m.id)
WHERE d.domain = ? AND d.open = 1"""

app = fastapi.FastAPI()
connection = sqlite3.connect(f"file:{DATABASE}?mode=ro", uri=True, check_same_thread=False)


@app.get("/gate")
def gate(domain: str, authorization: str = fastapi.Header()):
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), KEY, algorithms=["HS256"], audience="desk-migration",
                            issuer="desk")
    except jwt.InvalidTokenError as error:
        raise fastapi.HTTPException(401) from error
    if claims["role"] not in READERS:
        raise fastapi.HTTPException(403)
    mailboxes, found, expected, bad = connection.execute(QUERY, (domain.lower(),)).fetchone()
    verdict = "blocked" if not mailboxes or bad else "warning"
    return {"domain": domain.lower(), "verdict": verdict, "ready": False, "mailboxes": mailboxes,
            "ratio": found / expected if expected else None}
