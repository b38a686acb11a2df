"""Nova's fake hypervisor driver, made to survive a restart of the cloud.

The plain one invents the host's identity anew in each process, and forgets all servers: Nova
then refuses to start, or would find every server gone. This one keeps the identity in Nova's
own file for it, and knows the servers from Nova's database.
"""

from nova.compute import power_state
from nova import context
from nova import objects
from nova.virt import fake
from nova.virt import node


class Driver(fake.FakeDriver):
    def init_host(self, host):
        super().init_host(host)
        servers = objects.InstanceList.get_by_host(
            context.get_admin_context(), host, expected_attrs=["flavor"]
        )
        for server in servers:
            if server.power_state in (None, power_state.NOSTATE):
                continue  # It was being made or failed; it never ran here.
            self.instances[server.uuid] = fake.FakeInstance(
                server.name, server.power_state, server.uuid
            )
            self.resources.claim(
                vcpus=server.flavor.vcpus,
                mem=server.flavor.memory_mb,
                disk=server.flavor.root_gb,
            )

    def get_available_resource(self, nodename):
        status = super().get_available_resource(nodename)
        status["uuid"] = node.get_local_node_uuid()
        return status

    def get_nodenames_by_uuid(self, refresh=False):
        return {node.get_local_node_uuid(): name for name in self.get_available_nodes()}
