"""The organization that `orgsync` writes, by openstacksdk as an operator's script would: one call
after the other, nothing asked before. Reads the organization from the file that is named, and
prints how many seconds its writes took."""

import json
import sys
import time

import openstack

with open(sys.argv[1], encoding="utf-8") as file:
    organization = json.load(file)
identity = openstack.connect().identity
member = identity.find_role("member", ignore_missing=False)
begun = time.monotonic()
ids = {}
for name in organization["departments"]:
    ids[name] = identity.create_domain(name=name, is_enabled=True).id
make = {"project": identity.create_project, "user": identity.create_user}
for kind, name, department in organization["members"]:
    made = make[kind](name=name, domain_id=ids[department], is_enabled=True)
    ids[name] = made.id
for user, project in organization["assignments"]:
    identity.assign_project_role_to_user(ids[project], ids[user], member)
print(time.monotonic() - begun)
