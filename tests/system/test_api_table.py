"""The table of routes, the description of the API and nginx's configuration say the same."""

import json
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]


def table(build_dir):
    text = subprocess.run([build_dir / "migration-fcgi", "--routes"], capture_output=True, check=True).stdout
    return json.loads(text)


def description():
    return json.loads((TOP / "fcgi/openapi.json").read_text(encoding="utf-8"))


def operations(document):
    return {(method.upper(), path): operation for path, methods in document["paths"].items()
            for method, operation in methods.items()}


def test_same_routes(build_dir):
    routes = {(r["method"], r["path"]): r for r in table(build_dir)}
    told = operations(description())
    assert routes.keys() == told.keys()
    for key, route in routes.items():
        operation = told[key]
        assert operation["operationId"] == route["name"]
        assert operation["x-pool"] == route["pool"]
        assert operation["x-roles"] == ("override" if route["override"] else route["roles"])
        assert bool(operation["security"]) == bool(route["roles"])


def test_same_parameters(build_dir):
    told = operations(description())
    for route in table(build_dir):
        parameters = told[route["method"], route["path"]].get("parameters", [])
        by_place = {place: {p["name"] for p in parameters if p["in"] == place} for place in ("path", "query", "header")}
        assert by_place["path"] == set(re.findall(r"{(\w+)}", route["path"])), route["name"]
        assert by_place["query"] == set(route["query"].split()), route["name"]
        assert ("If-Match" in by_place["header"]) == route["if_match"], route["name"]
        assert ("Idempotency-Key" in by_place["header"]) == route["idempotent"], route["name"]


def test_bodies(build_dir):
    told = operations(description())
    for route in table(build_dir):
        content = told[route["method"], route["path"]].get("requestBody", {}).get("content", {})
        assert bool(content) == bool(route["body_max"]), route["name"]
        assert ("text/csv" in content) == route["csv"], route["name"]
        assert ("application/octet-stream" in content) == route["raw"], route["name"]


def test_references_resolve():
    document = description()

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                name = node["$ref"].removeprefix("#/components/schemas/")
                assert name in document["components"]["schemas"], node
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(document)


def test_served(stack):
    answer = stack.client().request("GET", "/openapi.json")
    assert answer.status == 200 and answer.json == description()
    assert stack.client().request("GET", "/openapi.json", headers={"If-None-Match": answer.etag}).status == 304


def test_nginx_sends_each_route_to_its_pool(build_dir):
    """The map of nginx, evaluated as nginx would: the first regular expression that fits."""
    text = (TOP / "nginx/desk-migration.conf.in").read_text(encoding="utf-8")
    body = re.search(r"map [^{]*\$desk_migration_pool {(.*?)\n}", text, re.S).group(1)
    rows = re.findall(r'"~([^"]+)" desk_migration_(\w+);', body)
    assert rows
    for route in table(build_dir):
        path = "/api/v1/migration" + route["path"].replace("{id}", "12").replace("{name}", "a2-log").replace("{n}", "1")
        pool = next((p for pattern, p in rows if re.search(pattern, f"{route['method']} {path}")), "api")
        assert pool == route["pool"], route["name"]
