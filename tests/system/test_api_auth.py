"""Who may call what: every route, every kind of token, every role, through nginx.

The rows come from the program itself (migration-fcgi --routes): a route that is added is tested by being added.
What must come out is computed here from the row's roles alone."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

import jwt
import pytest

from stack import tokens
from stack.client import Client
from stack.stack import Stack

ROLES = ["super_admin", "ops_lead", "technician", "gate_reader", "worker"]
PEOPLE = ROLES[:4]


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=True).stdout


class Keys:
    """A private key and its public PEM."""

    def __init__(self, directory, name, *algorithm):
        self.file = directory / f"{name}.key"
        self.private = openssl("genpkey", *algorithm)
        self.file.write_bytes(self.private)
        self.public = openssl("pkey", "-in", self.file, "-pubout")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    directory = tmp_path_factory.mktemp("keys")
    directory.chmod(0o755)
    for parent in directory.parents:
        if parent.name.startswith(("pytest", "popen-")):  # popen-: of one of several processes
            parent.chmod(0o755)
    made = {
        "rsa": Keys(directory, "rsa", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "ec": Keys(directory, "ec", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "other": Keys(directory, "other", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "worker": Keys(directory, "worker", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    }
    for name in ("rsa", "ec"):
        (directory / f"{name}.pem").write_bytes(made[name].public)
    made["directory"] = directory
    return made


@pytest.fixture(scope="module")
def api(build_dir, keys):
    """Desk's HS256 issuer of the stack, and an RS256 one beside it."""
    extra = {"MIGRATION_JWT_ISSUER": "rs", "MIGRATION_JWT_ALG": "RS256",
             "MIGRATION_JWT_KEY_FILE": keys["directory"] / "rsa.pem", "MIGRATION_JWT_ROLES": ",".join(PEOPLE)}
    with Stack(build_dir, mail=False, with_worker=False, api_settings=extra) as stack:
        # a worker whose private key is ours
        stack.worker_key = (stack.paths.etc / "worker-1.key").read_bytes()
        yield stack
    assert not stack.sanitizer_reports(), stack.sanitizer_reports()


@pytest.fixture(scope="module")
def routes(build_dir):
    text = subprocess.run([build_dir / "migration-fcgi", "--routes"], capture_output=True, check=True).stdout
    return json.loads(text)


def path_of(route):
    """A path of the pattern; nothing with that number exists."""
    path = route["path"].replace("{id}", "987654321").replace("{name}", "log").replace("{n}", "1")
    return path + ("?domain=nobody.example" if route["name"] == "gate" else "")


def ask(api, route, token=None, headers=None):
    """The status and code of the answer to an otherwise empty request."""
    client = Client(api.url, token=token)
    body = {} if route["method"] != "GET" and route["body_max"] else None
    answer = client.request(route["method"], path_of(route), body, headers)
    return answer.status, (answer.json or {}).get("code") if isinstance(answer.json, dict) else None


def worker_token(key, name="worker-1", **claims):
    now = int(time.time())
    return jwt.encode({"iss": f"worker:{name}", "sub": name, "role": "worker", "aud": "desk-migration", "iat": now,
                       "exp": now + 50, **claims}, key, "ES256")


def token_of(api, role):
    return worker_token(api.worker_key) if role == "worker" else tokens.hs256(api.desk_key, role)


def may(route, role):
    return role == "super_admin" if route["override"] else role in route["roles"]


def is_open(route):
    return not route["roles"]


def test_every_role_on_every_route(api, routes):
    wrong = []
    for route in routes:
        for role in ROLES:
            status, code = ask(api, route, token_of(api, role))
            refused = (status, code) == (403, "auth.forbidden")
            if route["name"] == "webhooks.dns":
                good = refused  # no role opens it: no secret is set here (test_cutover.py)
            elif is_open(route) or may(route, role):
                good = not refused and status != 401 and status < 500
            else:
                good = refused
            if not good:
                wrong.append((route["name"], role, status, code))
    assert not wrong


def forged(api, keys):
    """(name, token, the code that must come): every token that must not get in."""
    now = int(time.time())
    claims = {"iss": "desk", "sub": "x", "role": "super_admin", "aud": "desk-migration", "iat": now, "exp": now + 600}
    rs_claims = {**claims, "iss": "rs"}
    key = api.desk_key

    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    def hs(payload, secret=key, header=None):
        signed = part(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode()) + b"." + part(payload)
        return (signed + b"." + part(hmac.new(secret, signed, hashlib.sha256).digest())).decode()

    def hs_claims(**changed):
        body = {k: v for k, v in {**claims, **changed}.items() if v is not None}
        return hs(json.dumps(body).encode())
    text = json.dumps(claims).encode()
    none = part(b'{"alg":"none","typ":"JWT"}') + b"." + part(text) + b"."
    good = tokens.hs256(key, "super_admin")
    invalid, forbidden = "auth.token_invalid", "auth.forbidden"
    rows = [
        ("alg none", none.decode(), invalid),
        ("alg None, signed", hs(text, header={"alg": "None", "typ": "JWT"}), invalid),
        ("HS256 by the RS256 public key", hs(json.dumps(rs_claims).encode(), keys["rsa"].public), invalid),
        ("HS256 by the public key without its last line feed",
         hs(json.dumps(rs_claims).encode(), keys["rsa"].public.rstrip()), invalid),
        ("RS256 under the HS256 issuer", jwt.encode(claims, keys["rsa"].private, "RS256"), invalid),
        ("RS256 by another key", jwt.encode(rs_claims, keys["other"].private, "RS256"), invalid),
        ("RS512 by the right key", jwt.encode(rs_claims, keys["rsa"].private, "RS512"), invalid),
        ("ES256 under the RS256 issuer", jwt.encode(rs_claims, keys["ec"].private, "ES256"), invalid),
        ("HS512", jwt.encode(claims, key, "HS512"), invalid),
        ("HS256 by another secret", hs(text, b"x" * 48), invalid),
        ("HS256 by an empty secret", hs(text, b""), invalid),
        ("expired", hs_claims(exp=now - 120), invalid),
        ("no exp", hs_claims(exp=None), invalid),
        ("exp as text", hs_claims(exp=str(now + 600)), invalid),
        ("not yet valid", hs_claims(nbf=now + 300), invalid),
        ("issued in the future", hs_claims(iat=now + 300), invalid),
        ("unknown issuer", hs_claims(iss="somebody"), invalid),
        ("no issuer", hs_claims(iss=None), invalid),
        ("issuer local", hs_claims(iss="local"), invalid),
        ("another audience", hs_claims(aud="other"), invalid),
        ("audience in a list of others", hs_claims(aud=["a", "b"]), invalid),
        ("no audience", hs_claims(aud=None), invalid),
        ("no subject", hs_claims(sub=None), invalid),
        ("unknown role", hs_claims(role="root"), forbidden),
        ("no role", hs_claims(role=None), forbidden),
        ("role as a list", hs_claims(role=["super_admin"]), forbidden),
        ("role worker of a person's issuer", hs_claims(role="worker"), forbidden),
        ("worker by another key", worker_token(keys["worker"].private), invalid),
        ("worker that is not known", worker_token(keys["worker"].private, "nobody"), invalid),
        ("worker with a person's role", worker_token(api.worker_key, role="super_admin"), forbidden),
        ("worker, too long a life", worker_token(api.worker_key, exp=now + 86400), invalid),
        ("worker under another's name", worker_token(api.worker_key, sub="worker-2"), invalid),
        ("payload twice the same key", hs(b'{"iss":"desk","sub":"x","role":"technician","role":"super_admin",'
                                          b'"aud":"desk-migration","exp":%d}' % (now + 600)), invalid),
        ("payload no object", hs(b'["iss"]'), invalid),
        ("one byte changed", good[:-6] + ("A" if good[-6] != "A" else "B") + good[-5:], invalid),
        ("no signature", good.rsplit(".", 1)[0] + ".", invalid),
        ("two parts", good.rsplit(".", 1)[0], invalid),
        ("four parts", good + ".x", invalid),
        ("not base64", "a.b!.c", invalid),
        ("empty", "", "auth.token_invalid"),
        ("too long", hs_claims(name="x" * 5500), None),
    ]
    return rows


def test_every_forged_token_on_every_route(api, keys, routes, long):
    """In the quick form each token meets every sixth route and each route every sixth token."""
    wrong = []
    for number, (name, token, want) in enumerate(forged(api, keys)):
        for index, route in enumerate(routes):
            if is_open(route) or not long and (number + index) % 6:
                continue
            status, code = ask(api, route, token)
            if status not in (401, 403, 400, 422) or (want and code not in (want, "auth.required")):
                wrong.append((name, route["name"], status, code))
            if want == "auth.forbidden" and status != 403 or want == "auth.token_invalid" and status != 401:
                wrong.append((name, route["name"], status, code))
    assert not wrong


def test_good_tokens_of_each_algorithm(api, keys):
    now = int(time.time())
    claims = {"iss": "rs", "sub": "x", "role": "technician", "aud": ["other", "desk-migration"], "iat": now, "exp": now + 60}
    for token, role in ((jwt.encode(claims, keys["rsa"].private, "RS256"), "technician"),
                        (tokens.hs256(api.desk_key, "ops_lead"), "ops_lead"),
                        (worker_token(api.worker_key), "worker")):
        answer = Client(api.url, token=token).request("GET", "/me")
        assert (answer.status, answer.json["role"]) == (200, role)


def test_no_token_at_all(api, routes):
    for route in routes:
        status, code = ask(api, route)
        if is_open(route):
            assert status not in (401,) or route["name"].startswith("session"), route["name"]
        else:
            assert (status, code) == (401, "auth.required"), route["name"]


def test_a_page_of_another_site(api, routes):
    """The cookie alone, as a form of another site would send it: no unsafe method works."""
    cookie = api.client("admin").cookie
    for route in routes:
        if is_open(route) or route["method"] == "GET":
            continue
        for headers in ({"Cookie": cookie}, {"Cookie": cookie, "X-Requested-With": "XMLHttpRequest"}):
            assert ask(api, route, headers=headers) == (403, "auth.csrf"), route["name"]


def test_sessions_end(api):
    client = api.client("technician")
    other = Client(api.url).sign_in("technician", api.password("technician"))
    assert other.request("GET", "/me").json["role"] == "technician"
    assert other.request("DELETE", "/session").status == 204
    assert other.request("GET", "/me").status == 401
    assert client.request("GET", "/me").status == 200
    other.cookie = "desk_migration=" + "A" * 43
    assert other.request("GET", "/me").status == 401
    other.cookie = "desk_migration=' OR 1=1 --"
    assert other.request("GET", "/me").status == 401


def test_wrong_passwords(api):
    for user, password in (("technician", "wrong"), ("nobody", "x"), ("technician", ""), ("' OR '1'='1", "x")):
        answer = Client(api.url).request("POST", "/session", {"user": user, "password": password})
        assert answer.status in (401, 422), answer.text
        assert "Set-Cookie" not in answer.headers


def test_metrics_from_elsewhere(api):
    """nginx tells where the caller is; a header cannot."""
    answer = Client(api.url).request("GET", "/metrics", headers={"X-Forwarded-For": "192.0.2.1"})
    assert answer.status == 200 and "desk_migration_requests_total" in answer.text


def test_a_worker_speaks_for_itself_only(api):
    token = worker_token(api.worker_key)
    answer = Client(api.url, token=token).request("PATCH", "/runs", {"worker": "worker-2", "runs": []})
    assert (answer.status, answer.json["code"]) == (403, "auth.forbidden")
    assert Client(api.url, token=token).request("PATCH", "/runs", {"worker": "worker-1", "runs": []}).status == 200


def test_switched_off(new_stack, routes):
    """MIGRATION_ENABLED=false: every route but /health says 503, to everybody."""
    off = new_stack(mail=False, with_worker=False)
    settings = off.paths.settings.read_text(encoding="utf-8")
    off.paths.settings.write_text(settings + 'MIGRATION_ENABLED="false"\n', encoding="utf-8")
    off.pools.stop()
    off.pools.start()
    for route in routes:
        for token in (None, tokens.hs256(off.desk_key, "super_admin")):
            status, code = ask(off, route, token)
            assert (status, code) == ((200, None) if route["name"] == "health" else (503, "service.disabled")), route["name"]


def start(build_dir, directory, settings):
    """migration-fcgi -t with these settings: (exit status, what it says)."""
    file = directory / "migration.env"
    file.write_text(f'MIGRATION_DATA_PATH="{directory}"\n' + settings, encoding="utf-8")
    done = subprocess.run([build_dir / "migration-fcgi", "-t", "-p", "api", "-c", file], capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stderr


def test_refuses_bad_issuers(build_dir, tmp_path, keys):
    """An empty key, or an algorithm that does not fit: it does not start."""
    pem, ec = keys["directory"] / "rsa.pem", keys["directory"] / "ec.pem"
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    rows = [
        'MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY=""\n',
        "MIGRATION_JWT_ISSUER=desk\n",
        "MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY=short\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY_FILE={empty}\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY_FILE={pem}\n",  # a public key as HS256 secret
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_ALG=RS256\nMIGRATION_JWT_KEY_FILE={ec}\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_ALG=ES256\nMIGRATION_JWT_KEY_FILE={pem}\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_ALG=RS256\nMIGRATION_JWT_KEY={'x' * 40}\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_ALG=none\nMIGRATION_JWT_KEY={'x' * 40}\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_ALG=HS512\nMIGRATION_JWT_KEY={'x' * 40}\n",
        f"MIGRATION_JWT_ISSUER=worker:x\nMIGRATION_JWT_KEY={'x' * 40}\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY={'x' * 40}\nMIGRATION_JWT_ROLES=worker\n",
        f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY={'x' * 40}\nMIGRATION_JWT_ROLES=root\n",
    ]
    for row in rows:
        status, said = start(build_dir, tmp_path, row)
        assert status == 78 and said, row
    assert start(build_dir, tmp_path, f"MIGRATION_JWT_ISSUER=desk\nMIGRATION_JWT_KEY={'x' * 40}\n") == (0, "")


def test_refuses_the_secret_key(build_dir, tmp_path):
    """The key that opens credentials must be out of reach: settings, environment, or a file beside them."""
    key = base64.urlsafe_b64encode(b"k" * 32).decode()
    status, said = start(build_dir, tmp_path, f"MIGRATION_CREDENTIALS_KEY={key}\n")
    assert status == 78 and "MIGRATION_CREDENTIALS_KEY" in said and key not in said
    file = tmp_path / "migration.env"
    file.write_text(f'MIGRATION_DATA_PATH="{tmp_path}"\n', encoding="utf-8")
    done = subprocess.run([build_dir / "migration-fcgi", "-t", "-p", "api", "-c", file], capture_output=True, text=True,
                          env={"MIGRATION_CREDENTIALS_KEY": key}, check=False)
    assert done.returncode == 78 and "environment" in done.stderr
    (tmp_path / "worker.env").write_text(f"MIGRATION_CREDENTIALS_KEY={key}\n", encoding="utf-8")
    status, said = start(build_dir, tmp_path, "")
    assert status == 78 and "worker.env" in said


def test_cannot_open_credentials(build_dir):
    """What opens a sealed credential is in the worker and not in this program."""
    def symbols(program):
        text = subprocess.run(["nm", build_dir / program], capture_output=True, text=True, check=True).stdout
        return {line.split()[-1].split("@")[0] for line in text.splitlines() if line.strip()}
    opens = {"crypto_box_seal_open", "crypto_box_open_easy", "crypto_box_seed_keypair", "crypto_secretbox_open_easy"}
    assert "crypto_box_seal" in symbols("migration-fcgi")
    assert not opens & symbols("migration-fcgi")
    assert not [s for s in symbols("migration-fcgi") if "unseal" in s]
    assert "crypto_box_seal_open" in symbols("migration-worker")
