"""imaplib's own TLS checks no certificate and no name. Found through PYTHONPATH, this makes it check both, against the
system's authorities and those of MIGRATION_EXTRA_CA_FILE."""

import os
import ssl


def _checked(*_, **__):
    context = ssl.create_default_context()
    if os.environ.get("MIGRATION_EXTRA_CA_FILE"):
        context.load_verify_locations(os.environ["MIGRATION_EXTRA_CA_FILE"])
    return context


ssl._create_stdlib_context = _checked  # what imaplib calls when it is given no context
