"""Makes the Neutron database from its models, with one Open vSwitch agent that never dies.

Usage: seed_neutron.py DATABASE.
Neutron's own migrations alter constraints, which SQLite cannot; its unit tests also build the
schema from the models. Without a living agent on the host, no port would ever be bound.
"""

import json
import sqlite3
import sys
import uuid

from neutron.db.migration.models import head
import sqlalchemy

AGENT = {
    "agent_type": "Open vSwitch agent",
    "binary": "neutron-openvswitch-agent",
    "topic": "N/A",
    "host": "compute1",
    "admin_state_up": 1,
    "created_at": "2026-01-01 00:00:00",
    "started_at": "2026-01-01 00:00:00",
    "heartbeat_timestamp": "2099-01-01 00:00:00",
    "load": 0,
    "availability_zone": "nova",
}
AGENT_CONFIGURATION = {
    "bridge_mappings": {"physnet1": "br-ex"},
    "datapath_type": "system",
    "tunnel_types": ["vxlan"],
    "tunneling_ip": "127.0.0.1",
    "vhostuser_socket_dir": "/var/run/openvswitch",
}


def main():
    path = sys.argv[1]
    head.get_metadata().create_all(sqlalchemy.create_engine("sqlite:///" + path))
    row = dict(AGENT, id=str(uuid.uuid4()), configurations=json.dumps(AGENT_CONFIGURATION))
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO agents (%s) VALUES (%s)"
            % (", ".join(row), ", ".join(":" + column for column in row)),
            row,
        )


if __name__ == "__main__":
    main()
