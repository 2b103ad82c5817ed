"""The verbs of ./dev."""

import importlib
import sys
from collections.abc import Sequence

from sandbox.aws import AwsError
from sandbox.environment import SetUpError

# Each verb's module and what it does. Its `main(arguments)` is imported only when asked for; what it returns is the exit code.
VERBS = {
    "demo": ("sandbox.demo.run", "tell a coffee roaster's four months on a laptop, and audit them"),
    "up": ("sandbox.up", "serve the same world until Ctrl-C: the API, Stripe, the mailbox"),
    "account": ("sandbox.account", "create the first account and print its key, once"),
    "test": (
        "sandbox.checks",
        "check everything, then run the tests on each Python there is (arguments: pytest's, alone)",
    ),
    "check": ("sandbox.checks", "format, lint, types and imports, without the tests"),
    "bench": ("sandbox.bench.run", "measure what a renewal costs (--json for machines)"),
    "gallery": (
        "sandbox.gallery.run",
        "picture every letter, document and page in every language (--language, --to)",
    ),
    "worlds": (
        "sandbox.worlds.run",
        "live seeded random worlds, and hold each against what was due (N, --seed, --broken)",
    ),
    "mutants": ("sandbox.mutants", "change the rules of money one by one, and see whether a test objects"),
    "package": ("sandbox.package", "build what is deployed to AWS"),
    "lock": ("sandbox.environment", "recompile the locks from pyproject.toml (--upgrade for newer versions)"),
}


def main(arguments: Sequence[str]) -> int:
    """Run the verb that is named first; the exit code."""
    verb, *rest = arguments or ["help"]
    if verb in ("help", "-h", "--help"):
        print(usage())
        return 0
    if verb not in VERBS:
        print(f"./dev has no verb '{verb}'.\n\n{usage()}", file=sys.stderr)
        return 2
    module, _ = VERBS[verb]
    run = getattr(importlib.import_module(module), "check" if verb == "check" else "main")
    try:
        return int(run(rest) or 0)
    except (SetUpError, AwsError) as problem:
        print(f"./dev: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def usage() -> str:
    """One line a verb."""
    return "\n".join(["./dev VERB", "", *(f"  {verb:<9}{does}" for verb, (_, does) in VERBS.items())])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
