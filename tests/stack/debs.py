"""Programs of Debian packages that are not installed (or cannot be beside others): fetched with apt-get,
unpacked into a cache, never installed. The libraries that they miss are fetched the same way.
"""

import os
import pathlib
import re
import shutil
import subprocess


# virtual packages and libraries called otherwise than their package, and who provides them
_PROVIDERS = {"libfam0": "libgamin0", "libpcreposix3": "libpcre3"}


class Unavailable(Exception):
    """A package cannot be had here; the text says why."""


def cache():
    """Where unpacked packages stay between runs: servers that run as other users read it too."""
    return pathlib.Path(os.environ.get("DESK_DEB_CACHE") or f"/var/tmp/desk-migration-debs.{os.getuid()}")


class Tree:
    """Packages unpacked in a directory of their own: root / "usr/sbin/…". Programs need environ()."""

    def __init__(self, name, packages, programs):
        self.root = cache() / name
        complete = self.root / ".complete"  # says of what
        if not complete.exists() or complete.read_text(encoding="ascii") != " ".join(packages):
            self._build(packages, programs)

    def _build(self, packages, programs):
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise Unavailable("apt-get and dpkg-deb are needed to fetch " + " ".join(packages))
        building = self.root.with_name(self.root.name + ".new")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        if self.root.parent.stat().st_uid != os.getuid():
            raise Unavailable(f"{self.root.parent} belongs to somebody else")
        self.root, final = building, self.root
        for package in packages:
            self._fetch(package)
        for _ in range(20):
            missing = {name for program in programs for name in self._missing(building / program)}
            if not missing:
                break
            for soname in sorted(missing):
                self._fetch(_package_of(soname))
        else:
            raise Unavailable(f"{' '.join(packages)}: still without {' '.join(sorted(missing))}")
        for path in building.rglob("*"):  # servers may run as users of their own
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
        (building / ".complete").write_text(" ".join(packages), encoding="ascii")
        shutil.rmtree(final, ignore_errors=True)
        building.rename(final)
        self.root = final

    def _fetch(self, package):
        folder = self.root / ".debs"
        folder.mkdir(exist_ok=True)
        result = subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, capture_output=True, text=True,
                                check=False, timeout=300)
        files = sorted(folder.glob(package + "_*.deb"))
        if result.returncode != 0 or not files:
            raise Unavailable(f"apt-get download {package}: {(result.stderr or result.stdout).strip()[-200:]}")
        subprocess.run(["dpkg-deb", "-x", files[-1], self.root], check=True)
        files[-1].unlink()

    def _missing(self, program):
        found = subprocess.run(["ldd", program], capture_output=True, text=True, check=False,
                               env=dict(os.environ, **self.environ())).stdout
        return re.findall(r"(\S+) => not found", found)

    def environ(self):
        """Where the programs find their libraries."""
        folders = sorted({str(file.parent) for lib in ("lib", "usr/lib") for file in (self.root / lib).rglob("*.so*")})
        return {"LD_LIBRARY_PATH": ":".join(folders)}


def _package_of(soname):
    """Debian's name for a library: libfoo.so.3 is in libfoo3, libfoo2.so.3 in libfoo2-3."""
    match = re.fullmatch(r"(.+)\.so\.(\d+).*", soname)
    if not match:
        raise Unavailable(f"no package is known for {soname}")
    stem, major = match[1].lower().replace("_", "-"), match[2]
    name = f"{stem}-{major}" if stem[-1].isdigit() else f"{stem}{major}"
    return _PROVIDERS.get(name, name)
