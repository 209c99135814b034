"""Stand-ins for Cloudflare's API v4 and pfSense's REST API v2: they refuse whatever differs from the documents.
`trouble` makes the next fitting request go wrong: 429 and cut any one, lost (or "lost METHOD PATH'S END") one that
changes something: it is done and its answer never comes, and so many requests after it as `away` says are cut. What was
asked stands in `requests`."""

import http.server
import json
import re
import threading
import urllib.parse

TOKEN = "token of the tests"


class Standin(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = self.server_port
        self.requests, self.trouble, self.away, self.cuts = [], None, 0, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def loses(self, method, path):
        """True once when the answer to this change is to be lost."""
        words = (self.trouble or "").split(" ")
        if words[0] != "lost" or method == "GET" or len(words) > 1 and (words[1] != method or not path.endswith(words[2])):
            return False
        self.trouble, self.cuts = None, self.away
        return True

    def take(self, name):
        """True once when `name` is the trouble that was ordered."""
        if self.trouble == name:
            self.trouble = None
            return True
        return False


class _Handler(http.server.BaseHTTPRequestHandler):
    def _any(self):
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else None
        url = urllib.parse.urlsplit(self.path)
        self.server.requests.append((self.command, self.path, body))
        if body is not None and self.headers["Content-Type"] != "application/json":
            return self._say(415, {})
        if self.server.take("429"):
            return self._say(429, {"success": False, "code": 429, "errors": [], "result": None})
        if self.server.take("cut") or self.server.cuts > 0:
            self.server.cuts = max(self.server.cuts - 1, 0)
            self.connection.shutdown(2)
            return None
        answer = self.server.answer(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)), body, self.headers)
        if self.server.loses(self.command, url.path):  # done, and the answer never comes
            self.connection.shutdown(2)
            return None
        return self._say(*answer)

    def _say(self, status, document):
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _any

    def log_message(self, *_):
        pass


class Cloudflare(Standin):
    """Zones with one name each; pages of two records however many are asked for."""

    def __init__(self, domain, records):
        self.zones, self.next = {}, 0
        self.add_zone(domain, records)
        super().__init__()

    def add_zone(self, domain, records):
        self.zones[f"{len(self.zones) + 0xabcdef:032x}"] = (domain, {})
        for priority, host in records:
            self.add(*list(self.zones.values())[-1], int(priority), host, 3600)

    def add(self, domain, records, priority, host, ttl):
        self.next += 1
        records[f"{self.next:032x}"] = {"type": "MX", "name": domain, "content": host, "priority": priority, "ttl": ttl}

    def set(self, domain=None):
        name, records = list(self.zones.values())[0] if domain is None else next(z for z in self.zones.values() if z[0] == domain)
        assert all(r["name"] == name for r in records.values())
        return sorted(f"{r['priority']} {r['content']}" for r in records.values())

    @staticmethod
    def _bad(status, code, words):
        return status, {"success": False, "errors": [{"code": code, "message": words}], "messages": [], "result": None}

    def _good(self, result, **info):
        return 200, {"success": True, "errors": [], "messages": [], "result": result, **info}

    def answer(self, method, path, query, body, headers):
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return self._bad(403, 10000, "Authentication error")
        if (method, path) == ("GET", "/client/v4/zones"):
            return self._good([{"id": i, "name": name} for i, (name, _) in self.zones.items() if query == {"name": name}])
        zone = re.fullmatch(r"/client/v4/zones/(\w+)/dns_records(/batch)?", path)
        if zone is None or zone[1] not in self.zones:
            return self._bad(404, 7003, "Could not route")
        domain, records = self.zones[zone[1]]
        if method == "GET" and not zone[2]:
            if {k: query.get(k) for k in ("type", "name", "per_page")} != {"type": "MX", "name": domain, "per_page": "100"}:
                return self._bad(400, 1004, "DNS Validation Error")
            rows, page = [{"id": i, **r} for i, r in records.items()], int(query["page"])
            return self._good(rows[page * 2 - 2:page * 2], result_info={
                "page": page, "per_page": 2, "count": 2, "total_count": len(rows), "total_pages": (len(rows) + 1) // 2 or 1})
        if method == "POST" and zone[2] and set(body) == {"deletes", "posts"}:
            return self._batch(domain, records, body)
        return self._bad(404, 7003, "Could not route")

    def _batch(self, domain, records, body):
        if self.take("half") or self.take(f"half {domain}"):  # refused whole: the documents say that a batch is atomic
            return self._bad(400, 81057, "The record already exists.")
        after = dict(records)
        for row in body["deletes"]:
            if set(row) != {"id"} or after.pop(row["id"], None) is None:
                return self._bad(400, 81044, "Record does not exist.")
        for row in body["posts"]:
            if set(row) != {"type", "name", "content", "priority", "ttl"} or row["type"] != "MX" or row["name"] != domain \
                    or row["content"].endswith(".") or not (row["ttl"] == 1 or row["ttl"] >= 60):
                return self._bad(400, 1004, "DNS Validation Error")
        records.clear()
        records.update(after)
        for row in body["posts"]:
            self.add(domain, records, row["priority"], row["content"], row["ttl"])
        return self._good({"deletes": [], "posts": []})


class Pfsense(Standin):
    """Host overrides: ids are places in the list; changes wait for apply."""

    def __init__(self, overrides):
        self.overrides, self.live, self.polls, self.dirty = overrides, json.loads(json.dumps(overrides)), 0, False
        super().__init__()

    @staticmethod
    def _reply(data, code=200, words=""):
        return code, {"code": code, "status": "ok" if code == 200 else "error", "response_id": "SUCCESS", "message": words,
                      "data": data, "_links": {}}

    def answer(self, method, path, query, body, headers):
        if headers["X-API-Key"] != TOKEN:
            return self._reply([], 401, "Authentication failed.")
        name = re.fullmatch(r"/api/v2/services/dns_resolver/(\w+)", path)
        name = name.group(1) if name else ""
        if (method, name) == ("GET", "host_overrides"):
            start = int(query["offset"])
            return self._reply([{"id": i, **o} for i, o in enumerate(self.overrides)][start:start + int(query["limit"])])
        if name == "host_override" and method in ("PATCH", "DELETE", "POST"):
            return self._change(method, query, body)
        if name == "apply" and method == "POST":
            self.polls = 2
            return self._reply({"applied": False})
        if name == "apply" and method == "GET":
            if self.polls == 1:
                self.live, self.dirty = json.loads(json.dumps(self.overrides)), False
            self.polls = max(self.polls - 1, 0)
            return self._reply({"applied": not self.dirty})
        return self._reply([], 404, "no such endpoint")

    def _change(self, method, query, body):
        self.dirty = True
        if self.take("shift"):  # somebody else deletes the first one between look and change
            self.overrides.pop(0)
        if method == "POST":
            self.overrides.append({k: body[k] for k in ("host", "domain", "ip", "descr")})
            return self._reply({"id": len(self.overrides) - 1, **self.overrides[-1]})
        place = int(query["id"]) if method == "DELETE" else body["id"]
        if place >= len(self.overrides):
            return self._reply([], 404, "Object does not exist")
        if method == "DELETE":
            return self._reply({"id": place, **self.overrides.pop(place)})
        if set(body) != {"id", "ip", "apply"} or body["apply"] is not False or not isinstance(body["ip"], list):
            return self._reply([], 400, "unknown field")
        self.overrides[place]["ip"] = body["ip"]
        return self._reply({"id": place, **self.overrides[place]})


class Leave(Standin):
    """The API's side of a change: gives leave, or not."""

    def __init__(self):
        self.reply, self.later = (200, {"go": True}), []
        super().__init__()

    def answer(self, method, path, query, body, headers):
        reply = self.reply
        if self.later:  # what it says from the next time on
            self.reply = self.later.pop(0)
        return reply
