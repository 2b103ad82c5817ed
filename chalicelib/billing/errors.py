"""Every error of Perennial's own, each saying in words a person can act on what would be accepted.

* PerennialError
  x Invalid          a value breaks a rule, whenever it is sent
    + FormInvalid    a buyer's form was not made here, or was changed
    + FormChanged    a buyer's form has other fields than ours
  x WrongState       the right value at the wrong moment, e.g. canceling a canceled subscription
    + FormExpired    a buyer's page was open for too long
    + FormOutdated   a buyer's page showed what is not so any more
    + CustomerGone   the gateway does not know a contact's customer any more
  x NotFound         nothing has this name here
    + LinkInvalid    a link was not made here, or was changed
    + LinkExpired    a link is ours, and too old
  x Unauthorized     a request proves no key of an account
  x FromElsewhere    another site's page made a buyer's browser send a form
  x UnsupportedType  a body is not of the type that a route takes
  x TooLarge         a body is larger than anything a route takes
  x InUse            a request with this idempotency key is being worked on
  x Unavailable      the gateway did not take a request
    + NotAsked       it was away a moment before, so that nothing was sent
    + Limited        too many came in a second
    + Locked         another request was at the same object
  x Refused          the gateway found the request itself wrong
  x BadSignature     a message is not from whom it says
  x FilesAway        the store of files does not answer, or refused
  x Gone             a revision that a document needs is nowhere
  x FontsMissing     the package lacks fonts
  x UnknownLayout    a PDF is not laid out as the typesetter of this release does it
  x MailRefused      the mail server did not take a letter
  x MailSilent       the mail server may have taken it, and did not say
  x AwsRefused       AWS answered no
  x AwsUnreachable   a request to AWS was surely not sent
  x AwsSilent        a request to AWS was sent and not answered
  x Conflict         somebody else wrote a record since it was read
  x Unwritable       DynamoDB refuses what is to be written, and always will
    + Oversized      a record would be larger than its kind may be
  x Outage           DynamoDB does not answer
  x Foreign          a record of one account met a change of another
  x Undecodable      a stored record cannot be read
  x NewerShape       a stored record was written by a newer release
  x Misconfigured    the environment lacks something
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
