"""The process that forks the workers. It has loaded the application before, so all workers share that memory.

It is the fork server of `multiprocessing`: a process of its own without threads, so it can fork at any time, also when
a worker is replaced. Only it imports this module (`http_server.run_workers`). A worker adds 40 MiB instead of 110, and
starts with a quarter of the CPU time.
"""

import gc
import os
import signal

import uvloop

import cloudchat.app.application
import cloudchat.http.http_protocol
import cloudchat.realtime.transport.websocket_protocol
from cloudchat.process.parent_death import die_with_parent

PRELOADED = (
    uvloop,
    cloudchat.app.application,
    cloudchat.http.http_protocol,
    cloudchat.realtime.transport.websocket_protocol,
)

PID = os.getpid()
"""The parent of every worker."""

# Service managers and terminals signal all processes at once. The workers drain their connections then, and would be
# killed if this process ended first. uvicorn sets the handlers of a worker.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
die_with_parent(os.getppid())
gc.freeze()  # a collection in a worker would write to every object, and so copy the shared memory
