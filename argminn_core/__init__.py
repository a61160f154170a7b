"""ARGMINN: networks that are their own explanation. See ARCHITECTURE.md."""

__version__ = "0.1.0"
