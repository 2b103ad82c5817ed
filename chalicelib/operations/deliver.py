"""Send letters: recorded first, then sent, at most once; what has nothing to tell any more is not sent."""

import logging
import time
from dataclasses import dataclass, field

from chalicelib.billing.deliveries import Delivery
from chalicelib.billing.errors import PerennialError
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.mail import Attachment, Mail, MailRefused, MailSilent
from chalicelib.crm.profiles import Profile
from chalicelib.operations import enclose, letter_records, moot
from chalicelib.operations.ask import pool
from chalicelib.operations.together import work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Reading
from chalicelib.store.keys import Record
from chalicelib.views import letters

log = logging.getLogger("perennial")

# No letter is begun later than this after the first, so that none is cut off with the function.
LAST_BEGIN_SECONDS = 40
# So often a letter waits for its document; then it goes without, for its link leads there.
WAITS_FOR_DOCUMENT = 3
# Documents that are made side by side.
AT_ONCE = 8


def deliveries(service: Service, account: str, names: list[str]) -> None:
    """Send each awake letter. A crash after it is recorded leaves it `sending`: maybe sent, and never again by itself."""
    reading = letter_records.read(service, account, names)
    batch = _Batch(service, account, reading)
    batch.enclose(names)
    known = work(
        service,
        account,
        [name for name in names if name not in batch.left],
        batch.decide,
        items_each=batch.items_each(names),
        beside=lambda name: batch.beside.get(name, ()),
        reading=reading,
    )
    _send(
        service, account, {name: mail for name, mail in batch.mails.items() if name in known.written}, known
    )


@dataclass(slots=True)
class _Batch:
    """Letters of one account on their way: what each carries, and the mail it becomes; `left` are for another worker."""

    service: Service
    account: str
    reading: Reading
    mails: dict[str, Mail] = field(default_factory=dict)
    enclosed: dict[str, tuple[Attachment, ...]] = field(default_factory=dict)
    wanting: dict[str, str] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    beside: dict[str, list[str]] = field(default_factory=dict)
    logos: dict[str, Attachment | None] = field(default_factory=dict)

    def enclose(self, names: list[str]) -> None:
        """Have the documents of the letters that will be sent at hand, before anything is written of them."""
        began, found = time.monotonic(), Changeset(self.account, self.reading)
        sent = [name for name in names if isinstance(found.at(name), Delivery)]
        self.beside = {name: letter_records.wanted(self.reading, _at(found, name)) for name in sent}
        for start in range(0, len(sent), AT_ONCE):
            part = sent[start : start + AT_ONCE]
            if time.monotonic() - began > LAST_BEGIN_SECONDS:
                self.left |= set(part)  # they stay awake
            else:
                list(pool().map(lambda name: self._enclosed(found, name), part))

    def _enclosed(self, found: Changeset, name: str) -> None:
        delivery, business = _at(found, name), found.find(Account, self.account)
        if business is None:
            return
        at = Moment(business, self.service.real())
        try:
            if at.awake(delivery.wake) and moot.why(found, delivery, at) is None:
                self.enclosed[name] = enclose.documents(self.service, found, delivery)
        except PerennialError as error:
            # Of a record that cannot be read it is told where the letter is decided; a document may be had later.
            log.warning("no document beside a letter", extra={"record": name, "error": error.detail})
            self.wanting[name] = error.detail

    def items_each(self, names: list[str]) -> int:
        """The most that one decision writes or checks."""
        found = Changeset(self.account, self.reading)
        letters_ = (one for name in names if isinstance(one := found.at(name), Delivery))
        return max((1 + len(_presumed(found, one)) for one in letters_), default=1)

    def decide(self, changes: Changeset, name: str) -> None:
        """Record that a letter is being sent, or why it is not."""
        self.mails.pop(name, None)
        delivery = changes.at(name)
        at = Moment(changes.get(Account, self.account), self.service.real())
        if not isinstance(delivery, Delivery) or not at.awake(delivery.wake):
            return
        to = letter_records.address(changes, delivery)
        reason = letter_records.stopped(changes, to) or moot.why(changes, delivery, at)
        if reason:
            changes.put(delivery.skipped(reason))
            return
        if name in self.wanting and delivery.refusals < WAITS_FOR_DOCUMENT:
            changes.put(delivery.refused(f"Its document is to come: {self.wanting[name]}", at.real))
            return
        self.mails[name] = self._mail(changes, delivery, to, at)
        for record in _presumed(changes, delivery):
            changes.check(record)
        changes.put(delivery.sending())

    def _mail(self, changes: Changeset, delivery: Delivery, to: str, at: Moment) -> Mail:
        """The letter in words, from what the records say now."""
        logo = self._logo(changes)
        case = letter_records.case(
            self.service, changes, delivery, at, logo=f"cid:{logo.name}" if logo else ""
        )
        return Mail(
            id=delivery.id,
            account=self.account,
            letter=delivery.letter.value,
            to=to,
            sender=self.service.settings.mail_from,
            called=at.account.name,
            reply_to=at.account.email,
            at=at.real,
            language=case.reader.language,
            attachments=self.enclosed.get(keys.key_of(delivery), ()),
            pictures=(logo,) if logo else (),
            **letters.write(case),
        )

    def _logo(self, found: Changeset) -> Attachment | None:
        profile = found.find(Profile, self.account)
        name = profile.logo if profile else ""
        if name not in self.logos:
            self.logos[name] = enclose.logo(self.service, self.account, name) if name else None
        return self.logos[name]


def _at(found: Changeset, name: str) -> Delivery:
    record = found.at(name)
    if not isinstance(record, Delivery):
        raise AssertionError(f"{name} is no delivery")
    return record


def _presumed(found: Changeset, delivery: Delivery) -> list[Record]:
    try:
        return list(moot.presumed(found, delivery))
    except PerennialError:
        return []  # told of where the letter is decided


def _send(service: Service, account: str, mails: dict[str, Mail], known: Reading) -> None:
    """Send and write down; where the mail server did not answer, the letter stays `sending`."""

    began = time.monotonic()

    def one(mail: Mail) -> str | MailRefused | None:
        if time.monotonic() - began > LAST_BEGIN_SECONDS:
            return MailRefused("The mail server is slow: this letter goes with the next worker.")
        try:
            return service.mailer.send(mail)
        except MailRefused as error:
            return error
        except MailSilent:
            return None

    answers = dict(zip(mails, pool().map(one, mails.values()), strict=True))
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        delivery, answer = changes.at(name), answers[name]
        if not isinstance(delivery, Delivery) or answer is None:
            return
        if isinstance(answer, MailRefused):
            changes.put(delivery.refused(answer.detail, real))
        else:
            changes.put(delivery.sent(mails[name].to, answer, real))

    work(service, account, list(mails), decide, items_each=1, reading=known)
