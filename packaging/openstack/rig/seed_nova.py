"""Makes Nova's three databases (API, cell0, cell1) and tells them of the one compute host.

Usage: seed_nova.py NOVA_CONF CELL0_URL CELL1_URL.
One process for what takes four runs of nova-manage, because importing Nova costs most of it.
"""

import sys

from nova import config
from nova.cmd import manage
from nova import context
from nova import objects

HOST = "compute1"


def main():
    conf_path, cell0_url, cell1_url = sys.argv[1:]
    config.parse_args(["nova-manage", "--config-file", conf_path])
    objects.register_all()

    check(manage.ApiDbCommands().sync(), "API database")
    check(manage.CellV2Commands().map_cell0(database_connection=cell0_url), "cell0 mapping")
    admin = context.get_admin_context()
    cell1 = objects.CellMapping(
        admin,
        uuid=manage.uuidutils.generate_uuid(),
        name="cell1",
        transport_url="fake://",
        database_connection=cell1_url,
    )
    cell1.create()
    check(manage.DbCommands().sync(), "cell databases")
    # Mapped now, the host need not wait for the scheduler's periodic discovery.
    objects.HostMapping(admin, host=HOST, cell_mapping=cell1).create()


def check(status, what):
    if status not in (None, 0):
        sys.exit("nova: %s failed with status %s" % (what, status))


if __name__ == "__main__":
    main()
