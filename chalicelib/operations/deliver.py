"""Send letters: recorded first, then sent, at most once; what has nothing to tell any more is not sent."""

import logging
import time
from concurrent.futures import wait
from dataclasses import dataclass, field

from chalicelib.billing.deliveries import MENDED_AFTER, Delivery
from chalicelib.billing.errors import PerennialError
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.mail import Attachment, Mail, MailRefused, MailSilent
from chalicelib.crm.profiles import Profile
from chalicelib.operations import enclose, letter_records, moot
from chalicelib.operations.ask import pool
from chalicelib.operations.together import blame, work
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, Outage, Reading
from chalicelib.store.keys import Record
from chalicelib.store.shapes import Undecodable
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
    try:
        work(
            service,
            account,
            [name for name in names if name not in batch.left],
            batch.decide,
            items_each=batch.items_each(names),
            beside=lambda name: batch.beside.get(name, ()),
            beyond=letter_records.told_of,
            reading=reading,
        )
    except Outage:
        _send(service, account, batch.recorded(), reading)  # else nobody ever would
        raise
    _send(service, account, batch.recorded(), reading)


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
                asked = {name: pool().submit(self._enclosed, found, name) for name in part}
                for name, made in asked.items():
                    self._note(name, made.exception())

    def _note(self, name: str, error: BaseException | None) -> None:
        """A document may be had later; of a record that cannot be read it is told where the letter is decided."""
        if error is None:
            return
        if not isinstance(error, Exception):
            raise error
        log.warning("no document beside a letter", extra={"record": name}, exc_info=error)
        self.wanting[name] = error.detail if isinstance(error, PerennialError) else type(error).__name__

    def _enclosed(self, found: Changeset, name: str) -> None:
        delivery, business = _at(found, name), found.find(Account, self.account)
        if business is None:
            return
        at = Moment(business, self.service.real())
        if at.awake(delivery.wake) and moot.why(found, delivery, at) is None:
            self.enclosed[name] = enclose.documents(self.service, found, delivery)

    def recorded(self) -> dict[str, Mail]:
        """The letters that are recorded as being sent by now, by the keys of their deliveries."""
        return {name: mail for name, mail in self.mails.items() if name in self.reading.written}

    def items_each(self, names: list[str]) -> int:
        """The most that one decision writes or checks."""
        found = Changeset(self.account, self.reading)
        letters_ = (one for name in names if isinstance(one := found.at(name), Delivery))
        return max((1 + len(_presumed(found, one)) for one in letters_), default=1)

    def decide(self, changes: Changeset, name: str) -> None:
        """Record that a letter is being sent, or why it is not; one that tells of what cannot be read waits until it can."""
        self.mails.pop(name, None)
        delivery = changes.at(name)
        at = Moment(changes.get(Account, self.account), self.service.real())
        if not isinstance(delivery, Delivery) or not at.awake(delivery.wake):
            return
        try:
            self._decide(changes, name, delivery, at)
        except Undecodable as trouble:
            told_of = (key for key, of in changes.before.broken.items() if of is trouble)
            blame(self.service, next(told_of, name), trouble)
            changes.put(delivery.put_off(trouble.detail, at.real, MENDED_AFTER))

    def _decide(self, changes: Changeset, name: str, delivery: Delivery, at: Moment) -> None:
        to = letter_records.address(changes, delivery)
        reason = letter_records.stopped(changes, delivery, to) or moot.why(changes, delivery, at)
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
    except (PerennialError, KeyError):
        return []  # told of where the letter is decided


def _send(service: Service, account: str, mails: dict[str, Mail], known: Reading) -> None:
    """Send and write down; where the mail server did not answer, the letter stays `sending`."""

    began = time.monotonic()

    def one(mail: Mail) -> str:
        if time.monotonic() - began > LAST_BEGIN_SECONDS:
            raise MailRefused("The mail server is slow: this letter goes with the next worker.", busy=True)
        return service.mailer.send(mail)

    asked = {name: pool().submit(one, mail) for name, mail in mails.items()}
    wait(asked.values())
    real = service.real()

    def decide(changes: Changeset, name: str) -> None:
        delivery = _at(changes, name)
        match asked[name].exception():
            case None:
                changes.put(delivery.sent(mails[name].to, asked[name].result(), real))
            case MailRefused(busy=busy) as error:
                changes.put((delivery.put_off if busy else delivery.refused)(error.detail, real))
            case MailSilent():
                pass
            case error:
                raise error  # it may have gone: this one stays `sending`, and the others are told of

    work(service, account, list(mails), decide, items_each=1, reading=known)
