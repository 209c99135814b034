"""make install: the files are where the manuals say, and what runs them finds no fault with them."""

import os
import re
import shutil
import subprocess

import pytest

PROGRAMS = ["bin/mailmover", "bin/migrationctl", "sbin/migration-fcgi", "sbin/migration-worker",
            "libexec/desk-migration/migration-report"]
PAGES = ["man1/mailmover.1", "man5/migration.env.5", "man5/migration-spool.5", "man7/migration-events.7", "man7/migration-certificate.7",
         "man8/migration-fcgi.8", "man8/migration-worker.8", "man8/migrationctl.8"]


@pytest.fixture(scope="module")
def installed(build_dir, tmp_path_factory):
    """The tree that `make install DESTDIR=` makes, and the prefix inside it."""
    root = tmp_path_factory.mktemp("installed")
    result = subprocess.run(["make", "-C", build_dir, "-s", "install", f"DESTDIR={root}"], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 0, result.stderr
    makefile = (build_dir / "Makefile").read_text(encoding="utf-8")
    prefix = re.search(r"^prefix = (.*)$", makefile, re.M)[1]
    return root, root / prefix.lstrip("/")


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(installed, program):
    assert os.access(installed[1] / program, os.X_OK)


@pytest.mark.parametrize("page", PAGES)
def test_manual_pages(installed, page):
    file = installed[1] / "share/man" / page
    assert file.exists()
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    lint = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", file], capture_output=True, text=True, check=False)
    assert (lint.returncode, lint.stderr) == (0, "")


def test_page(installed):
    www = installed[1] / "share/desk-migration/www"
    assert (www / "index.html").exists()
    text = (www / "index.html").read_text(encoding="utf-8")
    for name in re.findall(r'(?:src|href)="\.?/?([^":#?]+)"', text):
        assert (www / name).exists(), name
    for module in www.rglob("*.js"):
        for name in re.findall(r'^import\b[^"\']*["\'](\.[^"\']+)["\']', module.read_text(encoding="utf-8"), re.M):
            assert (module.parent / name).resolve().exists(), (module.name, name)


def test_nginx_accepts_its_configuration(installed, tmp_path):
    found = [f for f in installed[0].rglob("*.conf") if "nginx" in f.parts or "nginx" in f.name]
    servers = [f for f in found if "desk-migration" in f.name]
    assert servers, found
    main = tmp_path / "nginx.conf"
    main.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{\n access_log off;\n"
                    + "".join(f" {part}_temp_path {tmp_path}/{part};\n"
                              for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
                    + f" include /etc/nginx/mime.types;\n include {servers[0]};\n}}\n", encoding="utf-8")
    result = subprocess.run(["/usr/sbin/nginx", "-t", "-e", "stderr", "-p", tmp_path, "-c", main], capture_output=True,
                            text=True, check=False)
    assert result.returncode == 0 and "[warn]" not in result.stderr, result.stderr


def test_systemd_accepts_the_units(installed, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    units = [f for f in installed[0].rglob("*") if f.suffix in (".service", ".socket")]
    assert len(units) >= 7, units
    # the programs are below DESTDIR, not where the units say: show systemd the units beside programs that exist
    for unit in units:
        text = unit.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^(Exec\w+=)([-+!@:]*)(/\S+)",
                      lambda m: m[1] + m[2] + str(installed[0] / m[3].lstrip("/")), text)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", *[tmp_path / u.name for u in units]],
                            capture_output=True, text=True, check=False,
                            env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"})
    complaints = [line for line in result.stderr.splitlines() if "migration-" in line]
    assert not complaints, result.stderr
