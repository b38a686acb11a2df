"""Cinder whole in one process: API, scheduler and a volume service with Cinder's fake driver.

Usage: cinder_cloud.py --config-file CINDER_CONF. Cinder is an eventlet program, so it serves its
API itself, on osapi_volume_listen_port. Messages go over oslo.messaging's fake transport.
"""

import eventlet

eventlet.monkey_patch()  # Before anything imports sockets or threads.

import sys

from oslo_config import cfg
from oslo_log import log as logging

from cinder import i18n

i18n.enable_lazy()
from cinder.common import config
from cinder import objects
from cinder import rpc
from cinder import service
from cinder import version

CONF = cfg.CONF


class Service(service.Service):
    """A service that reports as itself.

    Cinder keeps the id under which a service reports in the class, for one service per process.
    With two, the one started last would report twice and the other would soon count as down.
    """

    def report_state(self):
        service.Service.service_id = self.origin_service_id
        super().report_state()


def main():
    objects.register_all()
    CONF(sys.argv[1:], project="cinder", version=version.version_string())
    config.set_middleware_defaults()
    logging.setup(CONF, "cinder")
    rpc.init(CONF)

    for backend in CONF.enabled_backends:
        Service.create(
            host="%s@%s" % (CONF.host, backend),
            service_name=backend,
            binary="cinder-volume",
            coordination=True,  # The lock that deleting a volume takes.
            cluster=None,
        ).start()
    # Its start sleeps until the backends have reported; the API need not wait for that.
    eventlet.spawn(Service.create(binary="cinder-scheduler").start)
    service.WSGIService("osapi_volume").start()
    while True:  # The API's own wait() returns at once when nothing else waits.
        eventlet.sleep(3600)


if __name__ == "__main__":
    main()
