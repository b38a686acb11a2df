# Gunicorn reads this file from its working directory. It must get no arguments: oslo.config
# parses the same sys.argv inside the worker and would refuse them.
wsgi_app = "{{wsgi_app}}"
bind = "127.0.0.1:{{port}}"
# One worker: SQLite has one writer, and Nova's in-memory message bus ends at the process.
workers = 1
worker_class = "{{worker}}"
threads = {{threads}}
keepalive = 60
timeout = 300
graceful_timeout = 2
# Nova asks Neutron for many ports in one query string.
limit_request_line = 0
control_socket_disable = True
# In its working directory: who asked for what, so that a test can count what was written.
accesslog = "access.log"
access_log_format = "%(m)s %(U)s %(s)s"


def post_fork(server, worker):
    # What refers to a thing that was deleted goes with it in the databases of production. SQLite
    # does so where each connection asks for it, and otherwise Keystone's list of implied roles is
    # an error for ever, once a role in it was deleted.
    if not wsgi_app.startswith("keystone"):
        return
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def refer(connection, _):
        connection.execute("PRAGMA foreign_keys = ON")
