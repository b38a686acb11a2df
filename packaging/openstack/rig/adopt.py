"""Makes a copy of the seed databases a cloud of its own: new ids, keys, passwords, addresses.

Usage: adopt.py < ORDER. ORDER is a JSON object:
  dir               the cloud's directory, with one folder for each service
  admin_password    of the user "admin"
  service_password  of the user "svc"
  endpoints         service type -> address; other services leave the catalog
  cells             Nova's cell name -> database address (empty without Nova)

Without new ids and keys, a token of one cloud would be valid in another, and one project id
would name two projects: no two real clouds are like that.
"""

import json
import pathlib
import re
import sqlite3
import sys
import uuid

import bcrypt

import keys

HEX_ID = re.compile("[0-9a-f]{32}")
DASHED_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Nova knows cell0 by this id.
NIL = str(uuid.UUID(int=0))
BCRYPT_ROUNDS = 4


class Renamer:
    """Gives every id a new one, the same for the same, across all databases of the cloud."""

    def __init__(self):
        self.known = {}

    def new(self, old):
        if old not in self.known:
            fresh = uuid.uuid4()
            self.known[old] = str(fresh) if "-" in old else fresh.hex
        return self.known[old]

    def rename(self, database):
        for table, column in text_columns(database):
            values = database.execute('SELECT DISTINCT "%s" FROM "%s"' % (column, table))
            changes = [(self.new(v), v) for (v,) in values.fetchall() if is_id(v)]
            database.executemany(
                'UPDATE "%s" SET "%s" = ? WHERE "%s" = ?' % (table, column, column), changes
            )


def is_id(value):
    if not isinstance(value, str) or value == NIL:
        return False
    return bool(HEX_ID.fullmatch(value) or DASHED_ID.fullmatch(value))


def text_columns(database):
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        for _, column, kind, *_ in database.execute('PRAGMA table_info("%s")' % table).fetchall():
            if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                yield table, column


def set_password(keystone, user, password):
    digest = bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()
    changed = keystone.execute(
        "UPDATE password SET password_hash = ? WHERE local_user_id ="
        " (SELECT id FROM local_user WHERE name = ?)",
        (digest, user),
    )
    if changed.rowcount != 1:
        sys.exit("keystone: expected one password of %s, found %d" % (user, changed.rowcount))


def set_catalog(keystone, endpoints):
    for service_id, service_type in keystone.execute("SELECT id, type FROM service").fetchall():
        if service_type in endpoints:
            keystone.execute(
                "UPDATE endpoint SET url = ? WHERE service_id = ?",
                (endpoints[service_type], service_id),
            )
        else:
            keystone.execute("DELETE FROM endpoint WHERE service_id = ?", (service_id,))
            keystone.execute("DELETE FROM service WHERE id = ?", (service_id,))


def main():
    order = json.load(sys.stdin)
    root = pathlib.Path(order["dir"])
    renamer = Renamer()
    for path in sorted(root.glob("*/*.db")):
        with sqlite3.connect(path) as database:
            renamer.rename(database)

    with sqlite3.connect(root / "keystone" / "keystone.db") as keystone:
        set_password(keystone, "admin", order["admin_password"])
        set_password(keystone, "svc", order["service_password"])
        set_catalog(keystone, order["endpoints"])
    keys.write(root / "keystone" / "fernet")
    keys.write(root / "keystone" / "credential")

    if order["cells"]:
        with sqlite3.connect(root / "nova" / "nova_api.db") as nova:
            for name, url in order["cells"].items():
                nova.execute(
                    "UPDATE cell_mappings SET database_connection = ? WHERE name = ?", (url, name)
                )


if __name__ == "__main__":
    main()
