"""Tokens as Desk would issue them (HS256), for tests and for the demo's callers."""

import base64
import hashlib
import hmac
import json
import time


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def hs256(key, role, sub="somebody", iss="desk", aud="desk-migration", seconds=3600, **claims):
    """A token signed with the bytes `key`. A claim given as None is left out."""
    now = int(time.time())
    payload = {"iss": iss, "sub": sub, "name": sub, "role": role, "aud": aud, "iat": now, "exp": now + seconds,
               **claims}
    payload = {k: v for k, v in payload.items() if v is not None}
    signed = _part(b'{"alg":"HS256","typ":"JWT"}') + b"." + _part(json.dumps(payload).encode())
    return (signed + b"." + _part(hmac.new(key, signed, hashlib.sha256).digest())).decode()
