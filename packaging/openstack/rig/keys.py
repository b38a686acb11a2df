"""Keystone's key repositories."""

import base64
import os


def write(folder):
    """A staged key (0) and the primary one (1), as `keystone-manage fernet_setup` leaves them."""
    folder.mkdir(mode=0o700)
    for name in ("0", "1"):
        key = base64.urlsafe_b64encode(os.urandom(32))
        with open(os.open(folder / name, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(key)
