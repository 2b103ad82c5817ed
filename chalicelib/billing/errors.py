"""Every error of Perennial's own, each saying in words a person can act on what would be accepted.

* PerennialError
  x Invalid        a value breaks a rule, whenever it is sent
  x WrongState     the right value at the wrong moment, e.g. canceling a canceled subscription
  x NotFound       nothing has this name here
  x BadSignature   a message is not from whom it says (adapters/signatures.py)
"""


class PerennialError(Exception):
    """The root: `code` is for programs, `detail` for people, `param` names the input to blame, if one is."""

    def __init__(self, code: str, detail: str, param: str | None = None) -> None:
        super().__init__(code, detail, param)
        self.code = code
        self.detail = detail
        self.param = param

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Invalid(PerennialError):
    """A value breaks a rule."""


class WrongState(PerennialError):
    """The value is right, the moment is not."""


class NotFound(PerennialError):
    """Nothing has this name."""
