"""Wrong input, through nginx: the answer is a problem that names the field, and no process dies.

The bodies come from the description of the API: a field that is added is tested by being described."""

import base64
import hashlib
import json
import pathlib
import socket
import subprocess
import time

import jwt
import pytest

from stack import tokens
from stack.client import PREFIX, Client

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((TOP / "fcgi/openapi.json").read_text(encoding="utf-8"))
CONTROLS = ["a\u0000b", "a\nb\u0001", "\u007f", "a\u0085b"]


@pytest.fixture(scope="module")
def api(api):
    api.worker_key = (api.paths.etc / "worker-1.key").read_bytes()
    return api


@pytest.fixture(autouse=True)
def nobody_dies(api):
    """The children of the pools are the same before and after each test."""
    before = {pool: api.pools.members(pool) for pool in ("api", "worker")}
    yield
    assert {pool: api.pools.members(pool) for pool in ("api", "worker")} == before


@pytest.fixture(scope="module")
def job(api):
    technician = api.bearer("technician")
    made = technician.create_job("input.example", source={"host": "127.0.0.1", "port": 1143, "tls": "none"},
                                 destination={"host": "127.0.0.1", "port": 2143, "tls": "none"})
    made["mailbox"] = technician.add_mailboxes(made["id"], [{"source": {"user": "a", "secret": "s"},
                                                             "destination": {"user": "b", "secret": "t"}}])[0]
    made["own"] = technician.add_mailboxes(made["id"], [{"source": {"user": "own", "secret": "s"},
                                                         "destination": {"user": "own", "secret": "t"}}])[0]
    made["run"] = technician.start(made["id"], "preflight", mailbox_ids=[made["mailbox"]["id"]])[0]
    made["user"] = api.bearer("super_admin").post("/users", {"name": "input", "role": "technician",
                                                             "password": "long enough"})
    return made


def routes():
    text = json.loads(json.dumps(DOCUMENT["paths"]))
    for path, methods in text.items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolve(schema):
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def body_schema(operation):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return resolve(content["schema"]) if content else None


def objects(schema):
    """The object schema of a body that may also be an array of them."""
    if "oneOf" in schema:
        return resolve(schema["oneOf"][0])
    return schema


def client_for(api, operation):
    roles = operation["x-roles"]
    if roles == ["worker"]:
        now = int(time.time())
        return Client(api.url, token=jwt.encode({"iss": "worker:worker-1", "sub": "worker-1", "role": "worker",
                                                 "aud": "desk-migration", "iat": now, "exp": now + 50},
                                                api.worker_key, "ES256"))
    return api.bearer("super_admin") if roles else Client(api.url)


def real_path(path, job):
    """The path of something that exists."""
    number = {"/jobs": job["id"], "/mailboxes": job["mailbox"]["id"], "/runs": job["run"]["id"],
              "/users": job["user"]["id"], "/credentials": 1}
    for prefix, value in number.items():
        if path.startswith(prefix + "/{id}"):
            path = path.replace("{id}", str(value))
    return path.replace("{name}", "log").replace("{n}", "1")


# what is refused before the body is read: no account, no signature (test_cutover.py)
BY_ITSELF = ("session.create", "webhooks.dns")


def with_bodies():
    return [pytest.param(m, p, o, id=o["operationId"]) for m, p, o in routes() if body_schema(o) and o["operationId"] not in BY_ITSELF]


def ask(api, job, method, path, operation, body, **more):
    return client_for(api, operation).request(method, real_path(path, job), body, {"If-Match": '"1"', **more.pop("headers", {})}, **more)


def assert_problem(answer, statuses, pointer=None):
    assert answer.status in statuses, (answer.status, answer.text[:500])
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json
    assert {"type", "title", "status", "detail", "code", "remedy"} <= problem.keys()
    assert problem["status"] == answer.status
    if pointer is not None:
        pointers = [e["pointer"] for e in problem.get("errors", [])]
        assert pointer in pointers, (pointer, problem)


@pytest.mark.every(3)
@pytest.mark.parametrize("method,path,operation", with_bodies())
def test_malformed_json(api, job, method, path, operation):
    for body in (b"{", b"{\"a\":1,}", b"nul", b"", b"\xff\xfe{}", b"{\"a\":\"\xc3\x28\"}", b"{}{}", b"{\"a\":1,\"a\":2}",
                 b"{\"a\":\"\\u0000\"}", b"[" * 100000, b"{\"a\":" * 5000 + b"1" + b"}" * 5000, b"\x00" * 10, b"\"text\"", b"7"):
        answer = ask(api, job, method, path, operation, body)
        if body == b"" and (answer.status < 300 or "{n}" in path and answer.status == 404):
            continue  # an empty body is {} where nothing is required, and no {n} exists
        assert_problem(answer, (400, 409, 413, 422))


@pytest.mark.every(3)
@pytest.mark.parametrize("method,path,operation", with_bodies())
def test_two_megabytes(api, job, method, path, operation):
    body = json.dumps({"a": "x" * 2_100_000}).encode()
    answer = ask(api, job, method, path, operation, body)
    # Reports may be as long as that; then the field is not known.
    assert_problem(answer, (422,) if operation["operationId"] == "runs.report" else (413,))


@pytest.mark.every(3)
@pytest.mark.parametrize("method,path,operation", with_bodies())
def test_unknown_field(api, job, method, path, operation):
    answer = ask(api, job, method, path, operation, {"no_such_field": 1})
    assert_problem(answer, (422,), "/no_such_field")


@pytest.mark.every(3)
@pytest.mark.parametrize("method,path,operation", with_bodies())
def test_wrong_types(api, job, method, path, operation):
    """Each field with values of each type that it does not have."""
    schema = objects(body_schema(operation))
    for name, field in schema["properties"].items():
        types = resolve(field).get("type", "object")
        types = types if isinstance(types, list) else [types]
        for value in ("\x01", -1.5, True, [], {"x": 1}, [[]], 10 ** 30, "x" * 100_000):
            kind = {str: "string", float: "number", bool: "boolean", list: "array", dict: "object", int: "number"}[type(value)]
            if kind in types and kind in ("boolean", "object") or kind == "array" and name in ("runs", "missing", "refusals"):
                continue
            if kind == "array" and "array" in types and value == []:
                continue
            if operation["operationId"] == "runs.report" and name == "message" and isinstance(value, str):
                continue  # a tool's words, whatever they are
            body = json.dumps({name: value}).encode()
            if len(body) > 4000 and operation["operationId"] in ("runs.claim", "runs.cancel", "runs.pause", "runs.resume",
                                                                 "runs.retry", "mailboxes.remove"):
                continue
            answer = ask(api, job, method, path, operation, body)
            assert answer.status in (400, 413, 422), (name, value, answer.status, answer.text[:300])
            if answer.status == 422:
                pointers = [e["pointer"] for e in answer.json["errors"]]
                assert any(p == f"/{name}" or p.startswith(f"/{name}/") for p in pointers), (name, value, answer.json)


@pytest.mark.every(3)
@pytest.mark.parametrize("method,path,operation", with_bodies())
def test_control_characters(api, job, method, path, operation):
    schema = objects(body_schema(operation))
    for name, field in schema["properties"].items():
        field = resolve(field)
        if field.get("type") != "string" or "enum" in field:
            continue
        for value in CONTROLS:
            if operation["operationId"] == "runs.report" and name == "message" and "\u0000" not in value:
                continue  # a tool's words, whatever they are
            answer = ask(api, job, method, path, operation, {name: value})
            assert answer.status in (400, 422), (name, value, answer.text[:300])
            if answer.status == 422:
                assert f"/{name}" in [e["pointer"] for e in answer.json["errors"]], (name, value, answer.json)


@pytest.mark.every(3)
@pytest.mark.parametrize("method,path,operation", with_bodies())
def test_wrong_media_type(api, job, method, path, operation):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"):
        assert_problem(ask(api, job, method, path, operation, b"{}", content_type=kind), (415,))


def test_numbers_that_do_not_exist(api, job):
    for method, path, operation in routes():
        if "{id}" not in path or operation["operationId"] in ("users.delete",):
            continue
        body = {} if body_schema(operation) else None
        for number in ("9223372036854775807", "424242"):
            answer = client_for(api, operation).request(method, path.replace("{id}", number).replace("{name}", "log").replace("{n}", "1"), body,
                                                        {"If-Match": '"1"'})
            assert_problem(answer, (404, 422, 400))


def test_paths_in_numbers(api, job, long):
    """In the quick form each route meets every fourth."""
    bad = ["0", "-1", "1.0", "1e3", "0x1", "%2e%2e", "..%2F..%2Fetc%2Fpasswd", "1%2F..%2F2", "1%00", "1%0a", "%31%20", "9" * 30, "a" * 500,
           "1;drop", "%ff", "%c3%28", "1%252F2", "\u0661".encode().hex(" ").replace(" ", "%")]
    for index, (method, path, operation) in enumerate(r for r in routes() if "{id}" in r[1]):
        for number in bad if long else bad[index % 4::4]:
            body = {} if body_schema(operation) else None
            answer = client_for(api, operation).request(method, path.replace("{id}", number).replace("{name}", "log").replace("{n}", "1"), body,
                                                        {"If-Match": '"1"'})
            assert_problem(answer, (400, 404))
            if number in ("0", "-1", "1.0", "1;drop"):
                assert_problem(answer, (404,), "path:id")


def test_file_names(api, job):
    operation = DOCUMENT["paths"]["/runs/{id}/files/{name}"]["put"]
    for name in ("..", ".", "a%2Fb", "..%2Fmigration.db", "%00", "a%0ab", "x" * 300, "%2e%2e%2f%2e%2e"):
        answer = client_for(api, operation).request("PUT", f"/runs/{job['run']['id']}/files/{name}", b"x")
        assert_problem(answer, (400, 404))
    assert not list(api.paths.data.rglob("x*x"))


def test_query_parameters(api, job):
    for method, path, operation in routes():
        if method != "GET" or operation["operationId"] in ("health", "version", "openapi"):
            continue
        at, client = real_path(path, job), client_for(api, operation)
        assert_problem(client.request("GET", at + "?no_such=1"), (422,), "?no_such")
        for q in [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]:
            assert_problem(client.request("GET", f"{at}?{q}=1&{q}=2"), (422,), f"?{q}")
            for value in ("%00", "%0d%0aX-Injected:%20yes", "%ff", "x" * 2000, "%"):
                answer = client.request("GET", f"{at}?{q}={value}")
                assert_problem(answer, (400, 422))
                assert "X-Injected" not in answer.headers
            if q in ("limit", "cursor", "mailbox_id", "job_id"):
                for value in ("0", "-1", "x", "1.5", "99999999999999999999", "501" if q == "limit" else "-7", ""):
                    assert_problem(client.request("GET", f"{at}?{q}={value}"), (422,), f"?{q}")
            if q in ("status", "kind", "removed"):
                assert_problem(client.request("GET", f"{at}?{q}=nonsense"), (422,), f"?{q}")


def test_domains(api):
    client = api.bearer("technician")
    for domain in ("", "x", "a b.example", "-a.example", "a..example", "." * 10, "a" * 300 + ".example", "x.example/../y", "é" * 70 + ".pt", "*.example",
                   "a.example\u0000", "[127.0.0.1]", "a_b.example;", "http://a.example"):
        answer = client.request("POST", "/jobs", {"domains": [domain]})
        assert_problem(answer, (400, 422))
        if answer.status == 422:
            assert answer.json["errors"][0]["pointer"] == "/domains/0"
    assert_problem(client.request("POST", "/jobs", {"domains": ["twice.example", "TWICE.example."]}), (422,), "/domains/1")


def test_servers(api, job):
    client, at = api.bearer("technician"), f"/jobs/{job['id']}/mailboxes"
    good = {"source": {"user": "x"}, "destination": {"user": "y"}}

    def post(side, **fields):
        body = json.loads(json.dumps(good))
        body[side].update(fields)
        return client.request("POST", at, [body])
    for side in ("source", "destination"):
        for host in ("a b", "a\u0000", "http://x", "x/y", "user@host", "-", "a..b", "x" * 64, "..", "", "1.2.3.4:993"):
            answer = post(side, host=host)
            assert_problem(answer, (400, 422))
            if answer.status == 422:
                assert answer.json["errors"][0]["pointer"] == f"/0/{side}/host"
        for port in (0, 65536, -1, "143", 1.5):
            assert_problem(post(side, port=port), (422,), f"/0/{side}/port")
        assert_problem(post(side, host="mail.example.com", tls="none"), (422,), f"/0/{side}/tls")
        assert_problem(post(side, tls="ssl3"), (422,), f"/0/{side}/tls")
        assert_problem(post(side, user="x" * 400), (422,), f"/0/{side}/user")
        assert_problem(post(side, secret="x" * 9000), (422,), f"/0/{side}/secret")
    assert_problem(client.request("POST", at, [good, {"source": {}, "destination": {"user": "z"}}]), (422,), "/1/source/user")
    assert_problem(client.request("POST", at, [good, good]), (409,), "/1")
    assert_problem(client.request("POST", at, []), (422,))
    assert not [m for m in client.get(at)["items"] if m["source"]["user"] == "x"], "all or none"


def test_csv(api, job):
    client, at = api.bearer("technician"), f"/jobs/{job['id']}/mailboxes"
    head = "source_user,source_password,dest_user,dest_password\n"

    def post(text):
        return client.request("POST", at, text if isinstance(text, bytes) else text.encode(), content_type="text/csv; charset=utf-8")
    assert_problem(post(head + "a,b,c,d\n,b,c,d\n"), (422,), "line 3")
    assert_problem(post("source_user,what\na,b\n"), (422,), "line 2")
    for text in ("", head, head + "a,\"b,c,d\n", head + "a,b,c,d,e\n", b"\xff\xfe", head.encode() + b"a,\x00,c,d\n", head + "a,b\u0001,c,d\n"):
        assert_problem(post(text), (400, 422))
    made = post("\ufeffSource_User;source_password;dest_user;dest_password\r\ncsv1;\"p;\"\"w\";csv1;x\r\n")
    assert made.status == 201 and made.json["items"][0]["source"]["has_secret"]


def test_secrets_are_nowhere(api, job):
    """What was sent as a secret is in no file of the service and in no answer."""
    secret = "correct-horse-battery-" + hashlib.sha256(str(time.time()).encode()).hexdigest()[:12]
    client = api.bearer("technician")
    answer = client.request("POST", f"/jobs/{job['id']}/mailboxes",
                            {"source": {"user": "hidden", "secret": secret}, "destination": {"user": "hidden", "secret": secret}},
                            {"Idempotency-Key": "hidden-1"})
    assert answer.status == 201 and secret not in answer.text
    wrong = client.request("POST", f"/jobs/{job['id']}/mailboxes", {"source": {"user": 7, "secret": secret, "no": secret}, "destination": {}})
    assert wrong.status == 422 and secret not in wrong.text
    for kind in ("base64", "plain"):
        needle = secret.encode() if kind == "plain" else base64.b64encode(secret.encode())[:20]
        for file in [f for top in (api.paths.data, api.paths.log) for f in top.rglob("*") if f.is_file()]:
            assert needle not in file.read_bytes(), file


def test_etags(api, job):
    client, at = api.bearer("technician"), f"/jobs/{job['id']}"
    first = client.request("GET", at)
    assert client.request("GET", at, headers={"If-None-Match": first.etag}).status == 304
    assert client.request("GET", at, headers={"If-None-Match": f'"other", W/{first.etag}'}).status == 304
    assert_problem(client.request("PATCH", at, {"title": "x"}), (428,))
    for tag in ('"v99-0"', '"99"', '"x"', '""', "*", '"a","b"', "v1", '"v-1"', '"' + "9" * 200 + '"'):
        answer = client.request("PATCH", at, {"title": "x"}, {"If-Match": tag})
        if tag == "v1":
            assert answer.status in (200, 412)
            continue
        assert_problem(answer, (412, 422))
    changed = client.request("PATCH", at, {"title": "new"}, {"If-Match": client.request("GET", at).etag})
    assert changed.status == 200 and changed.json["title"] == "new" and changed.etag != first.etag
    assert_problem(client.request("PATCH", at, {"title": "old"}, {"If-Match": first.etag}), (412,))


def test_idempotency(api):
    client = api.bearer("technician")
    body = {"domains": ["once.example"]}
    first = client.request("POST", "/jobs", body, {"Idempotency-Key": "once"})
    again = client.request("POST", "/jobs", body, {"Idempotency-Key": "once"})
    assert (first.status, again.status) == (201, 201) and first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true" and again.headers["Location"] == first.headers["Location"]
    assert_problem(client.request("POST", "/jobs", {"domains": ["other.example"]}, {"Idempotency-Key": "once"}), (422,),
                   "header:Idempotency-Key")
    other = Client(api.url, token=tokens.hs256(api.desk_key, "technician", sub="another"))
    assert_problem(other.request("POST", "/jobs", body, {"Idempotency-Key": "once"}), (409,))
    # a refusal is not remembered: corrected, it works under the same key
    assert_problem(client.request("POST", "/jobs", {"domains": ["once.example"]}, {"Idempotency-Key": "two"}), (409,))
    assert client.request("POST", "/jobs", {"domains": ["twice.example"]}, {"Idempotency-Key": "two"}).status == 201


def test_paging(api):
    client = api.bearer("technician")
    for number in range(7):
        client.create_job(f"page{number}.example")
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/jobs?q=page&limit=3" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["items"]) <= 3
        seen += [j["domains"][0] for j in page["items"]]
        cursor = page["next"]
    assert seen == [f"page{n}.example" for n in reversed(range(7))]


def test_languages(api):
    for language, word, name in (("pt-PT,pt;q=0.9", "Inicie", "pt"), ("de, en", "Sign", "en"), (None, "Sign", "en")):
        answer = Client(api.url, language=language).request("GET", "/jobs")
        assert answer.json["remedy"].startswith(word) and answer.headers["Content-Language"] == name


def raw(api, data, hang_up=False):
    """Bytes as they are, to nginx; the whole answer, b"" when there is none."""
    with socket.create_connection(("127.0.0.1", api.nginx.port), timeout=20) as line:
        line.sendall(data)
        if hang_up:
            line.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            more = line.recv(65536)
            if not more:
                return got
            got += more


def test_odd_requests(api):
    token = tokens.hs256(api.desk_key, "technician")
    head = f"Host: x\r\nAuthorization: Bearer {token}\r\n"

    def request(line, more="", body=b"", hang_up=False):
        return raw(api, f"{line} HTTP/1.1\r\n{head}Connection: close\r\n{more}\r\n".encode() + body, hang_up)
    for line in ("BREW {p}/jobs", "OPTIONS {p}/jobs", "TRACE {p}/jobs", "PUT {p}/health", "POST {p}/gate"):
        answer = request(line.format(p=PREFIX), "Content-Length: 0\r\n")
        assert answer.split()[1] in (b"405", b"400"), answer[:100]
    answer = request(f"HEAD {PREFIX}/jobs")
    assert answer.split()[1] == b"200" and answer.endswith(b"\r\n\r\n")
    # ended before it was whole
    answer = request(f"POST {PREFIX}/jobs", "Content-Type: application/json\r\nContent-Length: 500\r\n", b'{"domains":', hang_up=True)
    assert b" 201 " not in answer
    # chunked: nginx collects it
    answer = request(f"POST {PREFIX}/jobs", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n",
                     b'5\r\n{"no"\r\n4\r\n:1}\n\r\n0\r\n\r\n')
    assert answer.split()[1] == b"422" and b"/no" in answer
    for more in ("Authorization: Bearer " + "x" * 9000, "If-None-Match: " + "x" * 3000, "X-Long: " + "y" * 40000, "Idempotency-Key: " + "k" * 300):
        answer = request(f"POST {PREFIX}/jobs", more + "\r\nContent-Length: 2\r\nContent-Type: application/json\r\n", b"{}")
        assert answer.split()[1] in (b"400", b"401", b"422"), answer[:100]


def test_files_of_runs(api, job):
    """Offsets, digests, stale attempts: a piece is taken once, whole, and from who has the run."""
    client = client_for(api, DOCUMENT["paths"]["/runs/{id}/claim"]["post"])
    run = api.bearer("technician").start(job["id"], "preflight", mailbox_ids=[job["own"]["id"]])[0]["id"]
    claim = client.post(f"/runs/{run}/claim", {"worker": "worker-1", "attempt": 0, "nonce": "ab" * 16})
    assert claim["attempt"] == 1 and {c["side"] for c in claim["credentials"]} == {"source", "destination"}

    def put(body, offset, complete="?0", attempt="1", digest=None, name="log"):
        digest = digest or base64.b64encode(hashlib.sha256(body).digest()).decode()
        return client.request("PUT", f"/runs/{run}/files/{name}", body, {
            "Upload-Offset": str(offset), "Upload-Complete": complete, "X-Run-Attempt": attempt,
            "Content-Digest": f"sha-256=:{digest}:"}, content_type="application/octet-stream")
    assert_problem(put(b"hello", 0, digest=base64.b64encode(b"0" * 32).decode()), (422,), "header:Content-Digest")
    assert_problem(put(b"hello", "x"), (422,), "header:Upload-Offset")
    assert_problem(put(b"hello", 0, complete="yes"), (422,), "header:Upload-Complete")
    assert_problem(put(b"hello", 0, attempt="2"), (409,))
    assert put(b"hello ", 0).json == {"offset": 6}
    late = put(b"hello ", 0)
    assert_problem(late, (409,))
    assert late.json["offset"] == 6
    assert put("wörld\n".encode(), 6, "?1").json == {"offset": 13}
    assert_problem(put(b"more", 13), (409,))
    technician = api.bearer("technician")
    log = technician.request("GET", f"/runs/{run}/log")
    assert log.body == "hello wörld\n".encode() and log.headers["Content-Type"].startswith("text/plain")
    part = technician.request("GET", f"/runs/{run}/log", headers={"Range": "bytes=6-"})
    assert part.status == 206 and part.body == "wörld\n".encode() and part.headers["Content-Range"] == "bytes 6-12/13"
    assert technician.request("GET", f"/runs/{run}/log", headers={"Range": "bytes=13-"}).status == 416
    # reports: an old attempt, a seq that is known, the end
    report = {"worker": "worker-1", "attempt": 1, "seq": 5, "status": "failed", "code": "auth.rejected", "message": "no"}
    assert_problem(client.request("PATCH", f"/runs/{run}", {**report, "attempt": 7}), (409,))
    assert client.request("PATCH", f"/runs/{run}", report).json["accepted"] is True
    assert client.request("PATCH", f"/runs/{run}", report).json["accepted"] is False
    ended = technician.get(f"/runs/{run}")
    assert (ended["status"], ended["code"]) == ("failed", "auth.rejected") and ended["remedy"]
    assert_problem(client.request("POST", f"/runs/{run}/claim", {"worker": "worker-1", "attempt": 0, "nonce": "cd" * 16}), (409,))


def test_the_pool_is_whole(api):
    """After all that: every process answers."""
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(api.pools.processes["api"].pid)], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == 4  # three children and the keeper
    for _ in range(20):
        assert Client(api.url).request("GET", "/ready").status == 200


def test_a_closed_job_stays_as_it_is(api):
    technician = api.bearer("technician")
    made = technician.create_job("closed.example", source={"host": "127.0.0.1", "port": 1143, "tls": "none"},
                                 destination={"host": "127.0.0.1", "port": 2143, "tls": "none"})
    box = technician.add_mailboxes(made["id"], [{"source": {"user": "a"}, "destination": {"user": "b"}}])[0]
    path = f"/mailboxes/{box['id']}"
    technician.delete(f"/jobs/{made['id']}")
    etag = technician.request("GET", path).etag
    for method, body in (("PATCH", {"destination": {"user": "c"}}), ("DELETE", {"reason": "because"})):
        answer = technician.request(method, path, body, {"If-Match": etag})
        assert (answer.status, answer.json["code"]) == (409, "conflict"), answer.text
