"""What smallpond tells Python's `logging`, under the name `smallpond`: sessions and actions as
INFO, lost nodes and long waits as WARNING.

Where a program has set up nothing, Python shows warnings alone, on stderr. So there is no
NullHandler here: it would hide why a query waits for a cluster.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smallpond import _core
from smallpond.errors import Error

logger = logging.getLogger("smallpond")


@contextmanager
def logged(method: str) -> Iterator[Callable[[str], None]]:
    """Logs what the `with` block does as one line, with the seconds that it took and what it tells
    to the function that is yielded, such as "400 rows"."""
    told: list[str] = []
    begin = time.monotonic()
    try:
        yield told.append
    except BaseException as error:
        # Of ours the text is without credentials; of others it may be anything.
        text = f": {error}" if isinstance(error, Error) else ""
        seconds = time.monotonic() - begin
        logger.info("%s failed after %.2f s: %s%s", method, seconds, type(error).__name__, text)
        raise
    text = ", ".join([f"{time.monotonic() - begin:.2f} s", *map(_core.without_secrets, told)])
    logger.info("%s: %s", method, text)
