"""How the model refuses."""


class Refused(Exception):
    """Turned away, by the name of the refusal; nothing was done."""

    def __init__(self, name):
        super().__init__(name)
        self.name = name
