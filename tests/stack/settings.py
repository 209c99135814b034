"""The text of migration.env and worker.env for a private installation."""


def text(values, head):
    """Lines KEY="VALUE" below a comment."""
    lines = [f"# {head}"]
    for name, value in values.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{name}="{escaped}"')
    return "\n".join(lines) + "\n"


def api(paths, public_key, ca_file, issuers, extra=None):
    """migration.env: what the FastCGI pools read."""
    return {
        "MIGRATION_DATA_PATH": paths.data,
        "MIGRATION_SEAL_PUBLIC_KEYS": public_key,
        "MIGRATION_ISSUERS": issuers,
        "MIGRATION_LOCAL_ACCOUNTS": True,
        "MIGRATION_COOKIE_SECURE": False,  # the page is on http://127.0.0.1
        "MIGRATION_TLS_CA_FILE": ca_file,
        "MIGRATION_API_PROCESSES": 3,
        "MIGRATION_WORKER_PROCESSES": 2,
        "MIGRATION_UPLOAD_PROCESSES": 1,
        "MIGRATION_HEARTBEAT_SECONDS": 1,
        "MIGRATION_LEASE_SECONDS": 10,
        "MIGRATION_DISK_RESERVE_MB": 50,
        **(extra or {}),
    }


def worker(paths, secret_key, ca_file, api_url, mailmover, name, key_file, extra=None):
    """worker.env: everything that the worker reads, with the secret key."""
    return {
        "MIGRATION_CREDENTIALS_KEY": secret_key,
        "MIGRATION_WORKER_NAME": name,
        "MIGRATION_WORKER_KEY_FILE": key_file,
        "MIGRATION_DATA_PATH": paths.data,
        "MIGRATION_RUNTIME_PATH": paths.runtime,
        "MIGRATION_API_URL": api_url,
        "MIGRATION_TLS_CA_FILE": ca_file,
        "MIGRATION_MAILMOVER_BIN": mailmover,
        "MIGRATION_DNS_BIN": mailmover.parent / "migration-dns",
        "MIGRATION_HEARTBEAT_SECONDS": 1,
        "MIGRATION_LEASE_SECONDS": 10,
        "MIGRATION_DISK_RESERVE_MB": 50,
        **(extra or {}),
    }
