"""A private certificate authority and server certificates, made with the openssl program."""

import subprocess


def _openssl(*arguments, directory):
    result = subprocess.run(["openssl", *arguments], cwd=directory, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed:\n{result.stderr}")


class Authority:
    """A CA in its own directory. `certificate` is the file that a client must trust."""

    def __init__(self, directory, name="Demo mail CA"):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate = directory / "ca.pem"
        self.key = directory / "ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", self.key, "-out", self.certificate, "-days", "30", "-subj", f"/CN={name}",
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", directory=directory)
        self.certificate.chmod(0o644)

    def issue(self, name, alternative_names="DNS:localhost,IP:127.0.0.1", days=20):
        """(certificate file, key file) for a server."""
        key, request, cert = (self.directory / f"{name}.{end}" for end in ("key", "csr", "pem"))
        _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", key, "-out", request, "-subj", f"/CN={name}", directory=self.directory)
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative_names}\nextendedKeyUsage=serverAuth\n"
                              "basicConstraints=critical,CA:FALSE\n", encoding="ascii")
        _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key,
                 "-CAcreateserial", "-days", str(days), "-extfile", extensions, "-out", cert,
                 directory=self.directory)
        cert.chmod(0o644)
        return cert, key
