"""Real BIND servers on loopback addresses of their own, all on one port: authoritative ones, and a resolver that
asks them. Needs root: BIND listens only on addresses that an interface has."""

import secrets
import shutil
import socket
import subprocess

from . import wait
from .process import ENVIRON, Process, StartError

SOA = "$TTL {ttl}\n@ IN SOA ns1.{zone}. root.{zone}. {serial} 3600 600 86400 60\n"


def addresses():
    """A free port and a function that gives 127.x.y.N with the same x.y."""
    net = f"127.{1 + secrets.randbelow(200)}.{secrets.randbelow(250)}"
    return wait.free_port(), lambda n: f"{net}.{n}"


class Bind:
    """One named. zones: {name: text without SOA, or (serial, text)}; updates: {zone: (key, secret)}; stub:
    {zone: [addresses]} makes it a resolver; bogus: zones whose trust anchor fits nothing; seen_by: {address: {zone:
    text}} is a view of its own for whoever asks from there."""

    def __init__(self, directory, address, port, zones=None, updates=None, stub=None, bogus=(), seen_by=None):
        self.directory = directory
        self.address = address
        self.port = port
        self.zones = zones or {}
        self.updates = updates or {}
        self.stub = stub or {}
        self.bogus = bogus
        self.seen_by = seen_by or {}
        self.process = None
        self._has_address = False

    def _zone_file(self, zone, content, view=""):
        serial, text = content if isinstance(content, tuple) else (1, content)
        path = self.directory / f"{view}{zone}.zone"
        path.write_text(SOA.format(ttl=3600, zone=zone, serial=serial) + text, encoding="utf-8")
        return path

    def _config(self):
        text = [f'options {{ directory "{self.directory}"; pid-file none; session-keyfile "{self.directory}/session.key"; '
                f'managed-keys-directory "{self.directory}"; listen-on port {self.port} {{ {self.address}; }}; '
                f'listen-on-v6 {{ none; }}; query-source address {self.address}; port {self.port}; '
                f'recursion {"yes" if self.stub else "no"}; allow-query {{ any; }}; minimal-responses no; '
                f'dnssec-validation {"yes" if self.bogus else "no"}; empty-zones-enable no; }};', "controls { };"]
        for key, secret in dict(self.updates.values()).items():
            text.append(f'key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};')
        for number, (address, zones) in enumerate(self.seen_by.items()):
            text.append(f'view "seen{number}" {{ match-clients {{ {address}; }};')
            text += [self._zone(zone, content, f"view{number}.") for zone, content in {**self.zones, **zones}.items()] + ["};"]
        if self.seen_by:
            text.append('view "usual" { match-clients { any; };')
        text += [self._zone(zone, content) for zone, content in self.zones.items()]
        if self.seen_by:
            text.append("};")
        for zone, servers in self.stub.items():
            text.append(f'zone "{zone}" {{ type static-stub; server-addresses {{ {" ".join(s + ";" for s in servers)} }}; }};')
        for zone in self.bogus:
            text.append(f'trust-anchors {{ "{zone}" static-ds 12345 8 2 "{"AB" * 32}"; }};')
        return "\n".join(text) + "\n"

    def _zone(self, zone, content, view=""):
        allow = f"allow-update {{ key {self.updates[zone][0]}; }};" if zone in self.updates and not view else ""
        return (f'zone "{zone}" {{ type primary; file "{self._zone_file(zone, content, view)}"; check-integrity no; '
                f'check-mx ignore; {allow} }};')

    def set_mx(self, zone, ttl, record):
        """A dynamic update by nsupdate, as an administrator does it."""
        key, secret = self.updates[zone]
        words = (f"server {self.address} {self.port}\nzone {zone}\nkey hmac-sha256:{key} {secret}\nupdate delete {zone} MX\n"
                 f"update add {zone} {ttl} MX {record}\nsend\n")
        subprocess.run(["nsupdate", "-v"], input=words, env=ENVIRON, text=True, check=True, capture_output=True)

    def start(self):
        program = shutil.which("named", path="/usr/sbin:/usr/bin")
        if program is None:
            raise StartError("named is not installed: scripts/install-packages test")
        self.directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ip", "address", "add", f"{self.address}/32", "dev", "lo"], env=ENVIRON, check=True)
        self._has_address = True
        config = self.directory / "named.conf"
        config.write_text(self._config(), encoding="utf-8")
        log = self.directory / "named.log"
        self.process = Process(f"named {self.address}", [program, "-g", "-n", "1", "-p", self.port, "-c", config], log)
        self.process.start()
        self.process.wait_ready(self._answers)
        return self

    def _answers(self):
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.address, self.port)) == 0

    def stop(self):
        if self.process:
            self.process.stop()
        if self._has_address:
            subprocess.run(["ip", "address", "del", f"{self.address}/32", "dev", "lo"], env=ENVIRON, check=False)
            self._has_address = False

    def mx(self, name):
        """What dig sees: ["10 mx.example."] and the TTL."""
        out = subprocess.run(["dig", "+tcp", "+noall", "+answer", "-p", str(self.port), f"@{self.address}", name, "MX"],
                             env=ENVIRON, capture_output=True, text=True, check=True).stdout.split("\n")
        rows = [line.split() for line in out if line]
        return sorted(" ".join(r[4:]) for r in rows), int(rows[0][1]) if rows else None
