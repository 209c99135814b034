"""A client of the public API, as a page or a script would be one: urllib, a cookie or a bearer token."""

import json
import threading
import urllib.error
import urllib.request

from . import wait

PREFIX = "/api/v1/migration"
FINISHED = ("succeeded", "partial", "failed", "cancelled")


class ApiError(Exception):
    """An answer that is not 2xx; `problem` is its problem+json document (or None)."""

    def __init__(self, method, path, answer):
        self.status = answer.status
        self.problem = answer.json if isinstance(answer.json, dict) else None
        self.code = (self.problem or {}).get("code")
        words = [str(self.problem[k]) for k in ("title", "detail", "remedy") if self.problem.get(k)] \
            if self.problem else [answer.text[:500]]
        words += [f"{e.get('pointer', '')}: {e.get('detail') or e.get('code')}"
                  for e in (self.problem or {}).get("errors") or []]
        super().__init__(f"{method} {path}: {answer.status} {self.code or ''}: " + " / ".join(words))


class Answer:
    """What came back. Header names are looked up in any case."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        """The document, or None when the body is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def etag(self):
        return self.headers.get("ETag")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Client:
    """Talks to one address. Signed in by sign_in() (cookie) or by a token given at the start."""

    def __init__(self, url, token=None, language=None, timeout=60):
        self.url = url.rstrip("/")
        self.token = token
        self.language = language
        self.timeout = timeout
        self.cookie = None
        self.me = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)

    def request(self, method, path, body=None, headers=None, content_type="application/json"):
        """Any request; never raises for a status. body: bytes, text, or what becomes JSON.
        path: below /api/v1/migration, or absolute when it starts with '//'."""
        data = body
        if body is not None and not isinstance(body, bytes):
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
        address = self.url + (path[1:] if path.startswith("//") else PREFIX + path)
        request = urllib.request.Request(address, data=data, method=method)
        if data is not None:
            request.add_header("Content-Type", content_type)
        if self.token is not None:
            request.add_header("Authorization", f"Bearer {self.token}")
        elif self.cookie is not None:
            request.add_header("Cookie", self.cookie)
        if self.cookie is not None or path == "/session":
            request.add_header("X-Requested-With", "desk-migration")
        if self.language:
            request.add_header("Accept-Language", self.language)
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=self.timeout) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def call(self, method, path, body=None, headers=None, **more):
        """request() that raises ApiError unless the status is 2xx."""
        answer = self.request(method, path, body, headers, **more)
        if not 200 <= answer.status < 300:
            raise ApiError(method, path, answer)
        return answer

    def get(self, path, headers=None):
        return self.call("GET", path, headers=headers).json

    def post(self, path, body=None, headers=None):
        return self.call("POST", path, {} if body is None else body, headers).json

    def patch(self, path, body, etag):
        return self.call("PATCH", path, body, {"If-Match": etag}).json

    def delete(self, path, body=None, headers=None):
        return self.call("DELETE", path, body, headers)

    # --- what a technician does -------------------------------------------------------------------

    def sign_in(self, user, password):
        answer = self.call("POST", "/session", {"user": user, "password": password})
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.me = answer.json["user"]
        return self

    def create_job(self, domain, **fields):
        domains = [domain] if isinstance(domain, str) else list(domain)
        return self.post("/jobs", {"domains": domains, **fields})

    def add_mailboxes(self, job_id, mailboxes):
        return self.post(f"/jobs/{job_id}/mailboxes", mailboxes)["items"]

    def start(self, job_id, kind, **body):
        """Starts preflight, sync (with pass=…) or verify; returns the runs."""
        if "pass_" in body:
            body["pass"] = body.pop("pass_")
        return self.post(f"/jobs/{job_id}/{kind}", body)["runs"]

    def runs(self, job_id, ids=None):
        items, cursor = [], ""
        while cursor is not None:
            page = self.get(f"/jobs/{job_id}/runs?limit=500" + (f"&cursor={cursor}" if cursor else ""))
            items += page["items"]
            cursor = page.get("next")
        return [r for r in items if ids is None or r["id"] in ids]

    def wait_runs(self, runs, seconds=300.0, step=0.25, watch=None, alive=None):
        """Waits until all are finished; returns them as they are then. watch(runs) sees each state."""
        job_id, ids = runs[0]["job_id"], {r["id"] for r in runs}

        def finished():
            now = self.runs(job_id, ids)
            if watch is not None:
                watch(now)
            return now if all(r["status"] in FINISHED for r in now) and len(now) == len(ids) else None
        try:
            return wait.until(finished, f"runs {sorted(ids)} to end", seconds, step, alive)
        except wait.Timeout as error:
            states = [f"{r['id']} {r['kind']} {r['status']} {r.get('code') or ''}" for r in self.runs(job_id, ids)]
            raise wait.Timeout(f"{error}: {'; '.join(states)}") from None

    def do(self, job_id, kind, seconds=300.0, watch=None, alive=None, **body):
        """start() and wait_runs()."""
        return self.wait_runs(self.start(job_id, kind, **body), seconds, watch=watch, alive=alive)

    def gate(self, domain):
        return self.get(f"/gate?domain={domain}")

    def verification(self, job_id, folders=False):
        """(document of GET /jobs/{id}/verify, its ETag)"""
        answer = self.call("GET", f"/jobs/{job_id}/verify" + ("?folders=1" if folders else ""))
        return answer.json, answer.etag

    def approve(self, job_id, comment="approved by the demo"):
        document, etag = self.verification(job_id)
        return self.post(f"/jobs/{job_id}/approve-gate", {"mailboxes": document["gate"]["mailboxes"],
                                                          "comment": comment}, {"If-Match": etag})


def parallel(functions):
    """Calls each function in a thread of its own; returns their results, raises the first exception."""
    results, errors = [None] * len(functions), []

    def work(index, function):
        try:
            results[index] = function()
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)
    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results
