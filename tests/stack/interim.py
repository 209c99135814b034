"""Keys and rows that migrationctl will make; goes away with its first commands."""

import base64
import ctypes
import os
import sqlite3
import time


def keys():
    sodium = ctypes.CDLL("libsodium.so.23")
    seed, public, secret = os.urandom(32), ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    sodium.crypto_box_seed_keypair(public, secret, seed)
    return tuple(base64.urlsafe_b64encode(k).decode() for k in (seed, public.raw))


def add_user(database, name, role, password):
    sodium = ctypes.CDLL("libsodium.so.23")
    out = ctypes.create_string_buffer(128)
    secret = password.encode()
    sodium.crypto_pwhash_str(out, secret, ctypes.c_ulonglong(len(secret)), ctypes.c_ulonglong(2),
                             ctypes.c_size_t(67108864))
    now = int(time.time() * 1000)
    _execute(database, "INSERT INTO users (name, display_name, role, password_hash, created_at, updated_at) "
             "VALUES (?, ?, ?, ?, ?, ?)", (name, name, role, out.value.decode(), now, now))


def add_worker(database, name, public_pem):
    _execute(database, "INSERT INTO workers (name, public_key, created_at) VALUES (?, ?, ?)",
             (name, public_pem, int(time.time() * 1000)))


def _execute(database, statement, values):
    with sqlite3.connect(database, timeout=10) as connection:
        connection.execute(statement, values)
    connection.close()
