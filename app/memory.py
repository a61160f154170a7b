"""Freed memory goes back to the machine, so that many visitors, one after another, need no more than one."""

from __future__ import annotations

import ctypes


def give_back() -> None:
    """After large arrays were freed: some milliseconds. Does nothing where the C library has no `malloc_trim`.

    A thread's arrays come from an arena of its own, which glibc keeps once they are freed; Streamlit has a new thread
    for every click. Without this a server of ten visitors grew by tens of megabytes a minute.
    """
    if _trim is not None:
        _trim(0)


try:
    _trim = ctypes.CDLL(None).malloc_trim
except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
    _trim = None
