"""Nova whole in one process: API (the WSGI application here), conductor, scheduler, compute.

The processes of a real deployment talk over RabbitMQ. In one process oslo.messaging's fake
transport does, and everything above it is genuine; only the hypervisor driver is Nova's fake.
"""

import os
import socket
import sys
import time
import traceback

sys.argv = ["nova-cloud"]  # Nova parses it, and gunicorn's own would be refused.

# Gunicorn's eventlet worker serves the releases that need it. There the whole process would stop
# while one green thread waits for the lock that another holds; and none ever has to, because
# they do not take turns within a transaction.
if "eventlet" not in sys.modules:
    import sqlite_begin

    sqlite_begin.use_immediate()

# Either way reads nova.conf.
try:
    from nova.wsgi.osapi_compute import application  # noqa: F401
except ImportError:  # Before Nova 32.
    from nova.api.openstack.compute import wsgi

    application = wsgi.init_application()

import os_vif
from nova.compute import rpcapi as compute_rpcapi
from nova import service

import virt_rig

# Nova loads drivers only from its own package.
sys.modules["nova.virt.rig"] = virt_rig

# By this exit status gunicorn knows that trying again is useless.
WORKER_BOOT_ERROR = 3
DEPENDENCY_SECONDS_MAX = 120


def wait_for(port):
    """Compute registers with Placement at its start, and would retry only after a minute."""
    deadline = time.monotonic() + DEPENDENCY_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("port %d did not open in %d s" % (port, DEPENDENCY_SECONDS_MAX))


def start(**kwargs):
    one = service.Service.create(**kwargs)
    one.start()
    return one


def start_all():
    for port in os.environ["RIG_NOVA_WAITS_FOR"].split(","):
        wait_for(int(port))
    os_vif.initialize()
    # Nova 34 listens on a second topic while it shuts down; earlier ones have only the first.
    second_topic = getattr(compute_rpcapi, "RPC_TOPIC_ALT", None)
    return [
        start(binary="nova-conductor", topic="conductor"),
        start(binary="nova-scheduler", topic="scheduler"),
        start(
            binary="nova-compute",
            topic=compute_rpcapi.RPC_TOPIC,
            **({"topic_alt": second_topic} if second_topic else {}),
        ),
    ]


try:
    SERVICES = start_all()
except BaseException:  # Nova calls sys.exit when it cannot load its driver.
    # Threads of the services that did start would keep a failed worker from ending.
    traceback.print_exc()
    os._exit(WORKER_BOOT_ERROR)
