"""scripts/verify-migration.sh: the five steps against the running installation, and what it says when one fails."""

import os
import shlex
import shutil
import signal
import subprocess
import sys

import pytest

from stack import mailgen, wait
from stack.process import ENVIRON
from stack.stack import TOP

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")


def script(stack, tmp_path, user, domain, **more):
    def secret(name, text):
        file = tmp_path / name
        file.write_text(text + "\n", encoding="utf-8")
        return file
    arguments = {
        "url": stack.url, "domain": domain, "login": "lead", "password-file": secret("lead", stack.password("lead")),
        "source": f"127.0.0.1:{stack.source.tls_port}:tls", "source-user": user,
        "source-password-file": secret("source", stack.source.users[user]),
        "destination": f"127.0.0.1:{stack.destination.starttls_port}:starttls", "destination-user": user,
        "destination-password-file": secret("destination", stack.destination.users[user]), **more}
    argv = [TOP / "scripts/verify-migration.sh"]
    for name, value in arguments.items():
        argv += [f"--{name}", str(value)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240)


@pytest.mark.long
def test_five_steps(stack, domain, tmp_path):
    user = f"probe@{domain}"
    generator = mailgen.Generator(user, 1)
    stack.add_mail_account(user, [mailgen.Folder("INBOX", True, [generator.message(attachment=0, flags=()) for _ in range(3)])])
    done = script(stack, tmp_path, user, domain)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("good") == 6 and "3 of 3 found, 0 missing" in done.stdout, done.stdout
    assert "ready_for_dns" in done.stdout
    assert stack.client("technician").gate(domain)["verdict"] == "blocked", "the test job is closed"
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password\n", encoding="utf-8")
    failed = script(stack, tmp_path, user, domain, **{"destination-password-file": wrong})
    assert failed.returncode == 1 and "FAILED: preflight" in failed.stderr and "auth.rejected" in failed.stderr, failed
    assert script(stack, tmp_path, user, domain, url="http://127.0.0.1:9").returncode == 3


@pytest.mark.long
def test_in_the_demo(build_dir, tmp_path):
    """The command that scripts/demo shows, as it stands there, against the demo while it is up."""
    output = tmp_path / "output"
    with output.open("wb") as file:
        demo = subprocess.Popen([sys.executable, "-m", "stack.demo", "--build", build_dir, "--messages", "20"], stdout=file,
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & ignores it
                                stderr=subprocess.STDOUT, env={**ENVIRON, "PYTHONPATH": os.fspath(TOP / "tests")})
    try:
        def command():
            assert demo.poll() is None, output.read_text(encoding="utf-8")
            found = [line for line in output.read_text(encoding="utf-8").splitlines() if "verify-migration.sh --url" in line]
            return found and "Ctrl-C" in output.read_text(encoding="utf-8") and found[0]
        line = wait.until(command, "the demo to show the command", 400, 0.5)
        done = subprocess.run(shlex.split(line), capture_output=True, text=True, check=False, timeout=240, env=ENVIRON)
        assert done.returncode == 0 and "5 of 5 found, 0 missing" in done.stdout, done
        assert "All five steps are good." in done.stdout
    finally:
        demo.send_signal(signal.SIGINT)
        status = demo.wait(120)
    assert status == 0, output.read_text(encoding="utf-8")[-2000:]
