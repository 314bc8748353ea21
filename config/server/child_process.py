"""The first steps of each process that `serve` starts."""

import multiprocessing
import os
import signal
import threading


def belong_to_the_server() -> None:
    """Ctrl-C must reach only the server, which then stops this process: a process that gets two signals at once may
    hang. If the server is killed, this process ends as well. Otherwise it would keep the port, or each restart of the
    server would add one more background worker.
    """
    os.setpgrp()
    threading.Thread(target=_end_with_the_server, daemon=True).start()


def _end_with_the_server() -> None:
    server = multiprocessing.parent_process()
    if server:
        server.join()
        os.kill(os.getpid(), signal.SIGTERM)
