"""A tus client that does what a test says, also what no client should: one request at a time, on a line of its own."""

import base64
import hashlib
import http.client
import urllib.parse

from stack import wait
from stack.client import PREFIX

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = "application/offset+octet-stream"


def metadata(name):
    return "filename " + base64.b64encode(name.encode()).decode()


def sum_of(algorithm, data):
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def on_disk(stack, path):
    """The file of an upload."""
    return stack.paths.data / "uploads" / path.rsplit("/", 1)[1]


class Tus:
    """client: a stack.client.Client whose token is used."""

    def __init__(self, client):
        self.client = client

    def until_it_answers(self):
        """The service, after a restart."""
        wait.until(lambda: self.client.request("GET", "/uploads").status == 200, "the service")

    def create(self, size, name="file.pst", headers=None, body=None):
        return self.client.request("POST", "/uploads", body, {**VERSION, "Upload-Length": str(size),
                                                              "Upload-Metadata": metadata(name), **(headers or {})},
                                   content_type=BYTES)

    def new(self, size, **more):
        """Its path below the API's prefix."""
        answer = self.create(size, **more)
        assert answer.status == 201, answer.text
        return answer.headers["Location"].removeprefix(PREFIX)

    def head(self, path):
        return self.client.request("HEAD", path, headers=VERSION)

    def offset(self, path):
        return int(self.head(path).headers["Upload-Offset"])

    def patch(self, path, offset, data, **headers):
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request("PATCH", path, data, {**VERSION, "Upload-Offset": str(offset), **more}, content_type=BYTES)

    def send(self, data, name="file.pst"):
        """A whole file; the upload as the API shows it."""
        path = self.new(len(data), name=name)
        answer = self.patch(path, 0, data)
        assert answer.status == 204, answer.text
        return self.client.get(path)

    def sha256(self, path):
        """As the service tells it; a file that came faster than it is computed has none for a while."""
        return wait.until(lambda: self.client.get(path)["sha256"], "the hash of an upload", 300)

    def delete(self, path):
        return self.client.request("DELETE", path, headers=VERSION)

    def line(self, path, offset, length, headers=None):
        """A PATCH whose body is still to be sent: the open connection."""
        url = urllib.parse.urlsplit(self.client.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
        connection.putrequest("PATCH", PREFIX + path)
        for key, value in {**VERSION, "Upload-Offset": offset, "Content-Type": BYTES, "Content-Length": length,
                           "Authorization": f"Bearer {self.client.token}", **(headers or {})}.items():
            connection.putheader(key, str(value))
        connection.endheaders()
        return connection
