"""What the project promises of its own files."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from chalicelib import billing, operations

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(ROOT.glob("requirements*.txt"))
# In pieces, so that this file doesn't name them either.
REGISTRY_HOSTS = re.compile(
    "|".join(
        re.escape(".".join(pieces))
        for pieces in [
            ("pypi", "org"),
            ("pypi", "python", "org"),
            ("pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("registry", "yarnpkg", "com"),
            ("deb", "debian", "org"),
            ("archive", "ubuntu", "com"),
        ]
    )
)


def tracked() -> list[Path]:
    """The files that git has or would take, as there is no history where the project was unpacked from an archive."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_registry_host() -> None:
    """Where packages come from is the machine's own setting, so no tracked file names a registry's host."""
    naming = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if REGISTRY_HOSTS.search(path.read_text("utf-8", "replace"))
    ]
    assert naming == []


def test_uv_lock_is_not_tracked() -> None:
    """uv.lock names registry hosts; the locks are requirements*.txt."""
    assert "uv.lock" not in {path.name for path in tracked()}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_requirement_has_its_version_and_hashes(lock: Path) -> None:
    """A lock holds exact versions with hashes and nothing else: no address, no option, no local path."""
    requirements = lock.read_text().replace("\\\n", " ").splitlines()
    shape = re.compile(
        r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^ ;]+( ; [^#]*?)?( +--hash=sha256:[0-9a-f]{64})+"
    )
    assert requirements
    assert [line[:60] for line in requirements if not shape.fullmatch(line)] == []


def test_the_development_lock_repeats_the_runtime_lock() -> None:
    """What is tested is what is deployed: every runtime version stands in the development lock too."""
    pins = {
        name: set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    }
    assert pins["requirements.txt"] <= pins["requirements-dev.txt"]


@pytest.mark.parametrize("room", ["billing", "crm"])
def test_the_core_imports_the_standard_library_only(room: str) -> None:
    """The nouns are pure: beside Perennial's own, which import-linter watches, they import only what comes with Python."""
    foreign = imported_from(ROOT / "chalicelib" / room) - {"chalicelib"} - sys.stdlib_module_names
    assert foreign == set()


@pytest.mark.parametrize("room", [billing, operations])
def test_every_file_of_a_large_room_stands_in_its_contents(room: ModuleType) -> None:
    """The docstring of the room names each of its files in one row, and none that is gone."""
    rows = re.findall(r"^[\w' ,]+: {2,}(.+)$", room.__doc__ or "", re.MULTILINE)
    named = [name for row in rows for name in row.split(", ")]
    files = [path.stem for path in Path(str(room.__file__)).parent.glob("[!_]*.py")]
    assert sorted(named) == sorted(files)


def test_nothing_deployed_imports_the_app() -> None:
    """app.py is on top; import-linter can't see it, since it is a module and not a package."""
    assert "app" not in imported_from(ROOT / "chalicelib")


def imported_from(folder: Path) -> set[str]:
    """The top-level modules that files of a folder import by absolute name, anywhere in them."""
    modules: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(str(node.module).partition(".")[0])
    return modules


def test_every_test_states_a_fact() -> None:
    """Each test's docstring says in a sentence what holds."""
    silent = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []
