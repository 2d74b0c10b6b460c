"""A worker process that its driver loses while it lives on, as where a network is parted:

    python cut_off_worker.py NOTES COMMAND…

is what the driver starts, and passes on what it and the worker COMMAND say. Where this process is
killed, the driver finds its socket closed, and the worker notices nothing: what it says from then
on goes to the file NOTES/WORKER.said. NOTES/WORKER.relay holds this process's id. Both are named
by the worker's id.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from pathlib import Path

WORKER_SOCKET = 3  # What smallpond gives its workers.


def keep(notes: Path, command: list[str], worker: socket.socket, relay: int, ended: int) -> None:
    """Starts the worker, and listens to it when the relay is gone, until it ends."""
    os.setsid()  # The driver kills the group of what it has started.
    if (pid := os.fork()) == 0:
        os.execvp(command[0], command)
    os.close(WORKER_SOCKET)
    (notes / f"{pid}.part").write_text(str(relay))
    (notes / f"{pid}.part").rename(notes / f"{pid}.relay")
    os.read(ended, 1)
    with open(notes / f"{pid}.said", "wb", buffering=0) as said:
        while data := worker.recv(65536):
            said.write(data)


def pass_on(driver: socket.socket, worker: socket.socket) -> None:
    other = {driver: worker, worker: driver}
    while True:
        for end in select.select([driver, worker], [], [])[0]:
            data = end.recv(65536)
            if not data:
                return
            other[end].sendall(data)


def main(notes: str, *command: str) -> None:
    driver = socket.socket(fileno=os.dup(WORKER_SOCKET))
    worker, its_end = socket.socketpair()
    relay = os.getpid()
    ended, alive = os.pipe()
    os.dup2(its_end.fileno(), WORKER_SOCKET)
    its_end.close()
    if os.fork() == 0:
        driver.close()
        os.close(alive)
        keep(Path(notes), list(command), worker, relay, ended)
        os._exit(0)
    os.close(WORKER_SOCKET)
    pass_on(driver, worker)


if __name__ == "__main__":
    main(*sys.argv[1:])
