"""The module in which smallpond 0.15 has its classes, for scripts that import them from there."""

from smallpond.frame import DataFrame
from smallpond.session import Session

__all__ = ["DataFrame", "Session"]
