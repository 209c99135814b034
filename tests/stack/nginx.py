"""nginx with the project's own server configuration (nginx/desk-migration.conf.in), without root."""

import shutil

from . import identity, wait
from .process import Process, StartError

_MAIN = """\
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log stderr warn;
events {{
    worker_connections 512;
}}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log {dir}/access.log;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    include {dir}/server.conf;
}}
"""


class Nginx:
    """Serves one address: the page, and the API through the pools' sockets."""

    def __init__(self, directory, log, template, www, sockets):
        self.directory = directory
        self.port = wait.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._identity = identity.web()
        self._log = log
        self._template = template
        self._values = {"listen": f"127.0.0.1:{self.port}", "wwwdir": www,
                        **{f"{pool}_socket": path for pool, path in sockets.items()}}
        self.process = None

    def start(self):
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")
        if program is None:
            raise StartError("nginx is not installed: scripts/install-packages run")
        identity.make_dir(self.directory, self._identity, mode=0o755)
        server = self._template.read_text(encoding="utf-8")
        for name, value in self._values.items():
            server = server.replace(f"@{name}@", str(value))
        (self.directory / "server.conf").write_text(server, encoding="utf-8")
        (self.directory / "nginx.conf").write_text(_MAIN.format(dir=self.directory), encoding="utf-8")
        self.process = Process("nginx", [program, "-p", self.directory, "-e", "stderr", "-c",
                                         self.directory / "nginx.conf"], self._log, self._identity)
        self.process.start()
        self.process.wait_ready(lambda: wait.can_connect(self.port))
        return self

    def stop(self):
        if self.process is not None:
            self.process.stop()
