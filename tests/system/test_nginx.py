"""nginx with the project's configuration: the page, its headers, and what it says by itself."""

import http.client
import re

import pytest


def get(api, path, method="GET", headers=None):
    line = http.client.HTTPConnection("127.0.0.1", api.nginx.port, timeout=30)
    line.request(method, path, headers=headers or {})
    answer = line.getresponse()
    body = answer.read()
    line.close()
    return answer, body


def test_the_page(api):
    answer, body = get(api, "/")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/html") and b"<html" in body.lower()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Referrer-Policy"]
    again, _ = get(api, "/", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    for asset in re.findall(rb'(?:src|href)="\.?/?([^":#]+)"', body):
        got, _ = get(api, "/" + asset.decode())
        assert got.status == 200, asset
        if asset.endswith(b".js"):
            assert "javascript" in got.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/.git/config", "/js/.x", "/.env", "/js/../.git/HEAD", "/nothing", "/js/", "/js/nothing.js",
                                  "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd"])
def test_not_served(api, path):
    answer, body = get(api, path)
    assert answer.status in (400, 403, 404) and b"root:" not in body


def test_the_service_is_gone(new_stack):
    """Nobody listens on the sockets: 503 in the caller's language, and not a page of HTML."""
    own = new_stack(mail=False, with_worker=False)
    own.pools.close()
    for language, word in (("pt", "não consegue"), ("en", "cannot")):
        for path in ("/api/v1/migration/jobs", "/api/v1/migration/gate?domain=a.example"):
            answer, body = get(own, path, headers={"Accept-Language": language})
            assert answer.status == 503 and answer.headers["Content-Type"].startswith("application/problem+json")
            assert word in body.decode() and b"service.unavailable" in body and answer.headers["Retry-After"]


def test_too_large_for_the_web_server(api):
    line = http.client.HTTPConnection("127.0.0.1", api.nginx.port, timeout=30)
    line.putrequest("POST", "/api/v1/migration/jobs")
    line.putheader("Content-Length", str(100 << 20))
    line.endheaders()
    answer = line.getresponse()
    body = answer.read()
    line.close()
    assert answer.status == 413 and answer.headers["Content-Type"].startswith("application/problem+json") and b"input.too_large" in body


def test_sign_in_is_slowed_down(api):
    """Guessing passwords from one address: nginx says 429, as a problem, before the service has to work."""
    seen = set()
    for _ in range(60):
        line = http.client.HTTPConnection("127.0.0.1", api.nginx.port, timeout=30)
        line.request("POST", "/api/v1/migration/session", body="{}", headers={"Content-Type": "application/json", "Accept-Language": "pt"})
        answer = line.getresponse()
        body = answer.read()
        line.close()
        seen.add(answer.status)
        if answer.status == 429:
            assert answer.headers["Content-Type"].startswith("application/problem+json") and b"auth.too_many" in body
            assert answer.headers["Retry-After"]
            break
    assert seen == {422, 429}
    assert get(api, "/api/v1/migration/health")[0].status == 200
