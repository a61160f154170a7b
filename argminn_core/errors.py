"""The one family of errors that a user can cause.

The command line prints the text and exits with 2; the app shows it. Anything else that is raised is a bug.
"""


class ArgminnError(Exception):
    """Something a user can mend: says what was wrong, what was found, what is expected and how to mend it.

    Parameters
    ----------
    what : what went wrong, with the place (file, record, line, column) where there is one.
    found, expected, mend : the rest of the message; an empty part is left out.
    """

    def __init__(self, what: str, *, found: object = "", expected: object = "", mend: str = "") -> None:
        self.what, self.found, self.expected, self.mend = what, str(found), str(expected), mend
        super().__init__(str(self))

    def __str__(self) -> str:
        parts = [self.what.rstrip(".") + "."]
        if self.found:
            parts.append(f"Found: {self.found.rstrip('.')}.")
        if self.expected:
            parts.append(f"Expected: {self.expected.rstrip('.')}.")
        if self.mend:
            parts.append(self.mend.rstrip(".") + ".")
        return " ".join(parts)


class InputError(ArgminnError):
    """A file or a text of sequences, regions, motifs or placements that cannot be used."""


class ModelFileError(ArgminnError):
    """A model file that is damaged, hostile, or of a format that this version does not know."""


class ConfigError(ArgminnError):
    """Settings that contradict each other or lie outside what the model can be built with."""
