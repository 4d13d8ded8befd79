"""How a command ends early: with one line that names the mend."""


class CommandError(Exception):
    """The command can't be carried out. The message is one line, for a person, and names the mend."""
