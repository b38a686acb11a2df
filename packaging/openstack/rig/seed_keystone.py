"""Makes the Keystone database of a cloud that has no address, keys or ids of its own yet.

Usage: seed_keystone.py KEYSTONE_CONF. What makes a copy of it a cloud of its own is adopt.py.
"""

import pathlib
import sys
import uuid

from keystone.cmd import bootstrap
from keystone.common import provider_api
from keystone.common.sql import upgrades
import keystone.server

import keys

PROVIDERS = provider_api.ProviderAPIs

# adopt.py sets the real address, and removes the services that a cloud does not have.
UNSET = "http://unset.invalid"
CATALOG = (
    ("placement", "placement"),
    ("nova", "compute"),
    ("neutron", "network"),
    ("cinder", "block-storage"),
    ("cinder", "volumev3"),
    ("glance", "image"),
)


def make_admin():
    """The administrator, the roles and the identity service, as `keystone-manage bootstrap`."""
    boot = bootstrap.Bootstrapper()
    boot.admin_username = "admin"
    boot.admin_password = uuid.uuid4().hex
    boot.admin_role_name = "admin"
    boot.project_name = "admin"
    boot.region_id = "RegionOne"
    boot.service_name = "keystone"
    boot.service_id = None
    boot.endpoints = {}
    boot.admin_url = boot.public_url = boot.internal_url = UNSET
    boot.immutable_roles = True
    boot.bootstrap()


def make_service_account():
    """The account as which the services check tokens and call each other."""
    project = {
        "id": uuid.uuid4().hex,
        "name": "service",
        "domain_id": "default",
        "enabled": True,
        "description": "Accounts of the services.",
    }
    PROVIDERS.resource_api.create_project(project["id"], project)
    user = PROVIDERS.identity_api.create_user(
        {"name": "svc", "domain_id": "default", "password": uuid.uuid4().hex, "enabled": True}
    )
    roles = {role["name"]: role["id"] for role in PROVIDERS.role_api.list_roles()}
    for name in ("admin", "service"):
        if name not in roles:  # Keystone before 26 makes no role "service".
            role = {"id": uuid.uuid4().hex, "name": name}
            roles[name] = PROVIDERS.role_api.create_role(role["id"], role)["id"]
        PROVIDERS.assignment_api.add_role_to_user_and_project(
            user["id"], project["id"], roles[name]
        )


def make_catalog():
    for name, service_type in CATALOG:
        service = {"id": uuid.uuid4().hex, "name": name, "type": service_type, "enabled": True}
        PROVIDERS.catalog_api.create_service(service["id"], service)
        for interface in ("public", "internal", "admin"):
            endpoint = {
                "id": uuid.uuid4().hex,
                "service_id": service["id"],
                "interface": interface,
                "region_id": "RegionOne",
                "url": UNSET,
                "enabled": True,
            }
            PROVIDERS.catalog_api.create_endpoint(endpoint["id"], endpoint)


def main():
    conf_path = sys.argv.pop()  # oslo.config would parse it as a command.
    keystone.server.configure(config_files=[conf_path])
    folder = pathlib.Path(conf_path).parent
    keys.write(folder / "fernet")  # Keystone does not load without; adopt.py writes real ones.
    keys.write(folder / "credential")
    upgrades.offline_sync_database_to_version()
    make_admin()
    make_service_account()
    make_catalog()


if __name__ == "__main__":
    main()
