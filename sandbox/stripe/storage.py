"""The state on disk: an SQLite file into which what has changed is written, so that a restart goes on."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from sandbox.stripe.state import Account, World

Row = tuple[str, str, str, str]
"""account, kind, name, JSON; in the order in which things were made."""

_TABLE = """CREATE TABLE IF NOT EXISTS things (
    position INTEGER PRIMARY KEY, account TEXT, kind TEXT, name TEXT, value TEXT, UNIQUE (account, kind, name))"""
_PUT = """INSERT INTO things (account, kind, name, value) VALUES (?, ?, ?, ?)
    ON CONFLICT (account, kind, name) DO UPDATE SET value = excluded.value"""

_DELETE = "DELETE FROM things WHERE account = ? AND kind = ? AND name = ?"


class Storage:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute(_TABLE)

    def load(self, world: World) -> dict[str, Any]:
        """Fills the world; returns what belongs to no account."""
        own: dict[str, Any] = {}
        for account_name, kind, name, value in self._file.execute(
            "SELECT account, kind, name, value FROM things ORDER BY position"
        ):
            if not account_name:
                own[name] = json.loads(value)
                continue
            account = world.account(account_name)
            match kind:
                case "note":
                    account.notes[name] = json.loads(value)
                case "answer":
                    account.answers[name] = json.loads(value)
                case _:
                    account.shelf(kind).put(json.loads(value))
        return own

    def save(self, world: World, own: dict[str, Any]) -> None:
        """What has changed since the last time, in one transaction."""
        kept: list[Row] = [("", "", name, json.dumps(value)) for name, value in own.items()]
        gone: list[tuple[str, str, str]] = []
        for account in world.accounts.values():
            changed, account.changed = account.changed, {}
            for kind, name in changed:
                value = _value(account, kind, name)
                if value is None:
                    gone.append((account.name, kind, name))
                else:
                    kept.append((account.name, kind, name, json.dumps(value, separators=(",", ":"))))
        with self._file:
            self._file.executemany(_PUT, kept)
            self._file.executemany(_DELETE, gone)

    def forget(self) -> None:
        with self._file:
            self._file.execute("DELETE FROM things")

    def close(self) -> None:
        self._file.close()


def _value(account: Account, kind: str, name: str) -> Any:
    """As it is now; None when it is no longer kept."""
    match kind:
        case "note":
            return account.notes.get(name)
        case "answer":
            return account.answers.get(name)
        case _:
            return account.shelf(kind).get(name)
