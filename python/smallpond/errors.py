"""What smallpond raises. One class a kind; all are `smallpond.Error`, and also the built-in class a
caller would expect."""

from __future__ import annotations

from smallpond import _core


class Error(Exception):
    """Something went wrong. The text says what, the values, and what to do. Of passwords, tokens
    and other credentials in it "***" is left.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(
            *(_core.without_secrets(part) if isinstance(part, str) else part for part in arguments)
        )


class InvalidInputError(Error, ValueError):
    """The query, an argument or the data is wrong. Trying again gives the same error."""


class InvalidTypeError(InvalidInputError, TypeError):
    """An argument has a type that it can't have."""


class UnsupportedError(Error, NotImplementedError):
    """Understood, and not offered here."""


class UserCodeError(Error, RuntimeError):
    """A function of the user failed."""


class OutOfMemoryError(Error, MemoryError):
    """The memory limit was reached and spilling could not help."""


class IoError(Error, OSError):
    """A file or its storage failed."""


class UnavailableError(Error, ConnectionError):
    """A node or service did not answer."""


class CancelledError(Error, RuntimeError):
    """The caller asked to stop."""


class InternalError(Error, RuntimeError):
    """A bug in smallpond or DuckDB."""


class MergeWarning(UserWarning):
    """`partial_sql` merged partitions where smallpond 0.15 would have returned each partition's own
    result."""


class PublishWarning(UserWarning):
    """A write is committed and smallpond reads it, but its files could not all get their final
    names. The next write to the folder gives them."""


class UnreadFilesWarning(UserWarning):
    """A folder that was read holds files or folders that were not read: their names have no ending
    of the format, or smallpond wrote the folder and not them. Told once for each frame's files."""


class OptionWarning(UserWarning):
    """An option of smallpond 0.15 was given that has no effect here. Told once for each."""


def missing_package(package: str, extra: str, purpose: str) -> Error:
    """Returns the error for an optional package that is not installed."""
    return UnsupportedError(
        f"{purpose} needs {package}. Install it with: pip install 'smallpond[{extra}]'"
    )
