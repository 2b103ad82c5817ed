"""`./dev package`: builds what is deployed to AWS, a template and a zip, from the stage's settings in .chalice/config.json."""

import argparse
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chalicelib.crm.parties import LANGUAGES
from sandbox import policies, template
from sandbox.environment import ROOT, SetUpError, unpack

CONFIG = ROOT / ".chalice" / "config.json"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Lambda's glibc is 2.26 under Python 3.11 and 2.34 from 3.12 on: wheels for 2.17 run on both.
PLATFORMS = {"x86_64": "x86_64-manylinux2014", "arm64": "aarch64-manylinux2014"}
# botocore describes 400 services in 28 MB; these are the ones we speak to (sts: credentials on a person's machine).
SERVICES = {"dynamodb", "sqs", "sesv2", "ssm", "sts"}
UNUSED = ("bin", "facturx/xsd_and_schematron", "facturx/scripts", "lxml/includes", "lxml/isoschematron")
WORDS = frozenset(
    """languages territories scripts variants time_zones meta_zones zone_formats unit_display_names unit_patterns
    compound_unit_patterns currency_names currency_names_plural currency_unit_patterns date_fields""".split()
)
"""The keys of a locale of Babel's that tell what things are called."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Every file's time, so that the same sources give the same zip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What was built, and where."""

    stage: str
    template: Path
    zip: Path
    unzipped: int
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Build the package of a stage, lint its template, and say what was built; the exit code."""
    parser = argparse.ArgumentParser(prog="./dev package", description=__doc__)
    parser.add_argument("--stage", default="dev", help="a stage of .chalice/config.json (default: dev)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder to write to (default: out)")
    chosen = parser.parse_args(arguments)
    built = build(chosen.stage, chosen.out)
    report(built)
    if lint(built.template):
        return 1
    print(NEXT.format(stage=built.stage, template=built.template, out=chosen.out))
    return 0


NEXT = """cfn-lint: clean
To deploy it (README tells what must be there before):
  aws cloudformation package --template-file {template} --s3-bucket BUCKET --use-json --output-template-file {out}/packaged.json
  aws cloudformation deploy --template-file {out}/packaged.json --s3-bucket BUCKET --stack-name perennial-{stage} \\
    --capabilities CAPABILITY_IAM --parameter-overrides AlarmEmail=YOU@EXAMPLE.COM"""


def build(stage: str, out: Path) -> Package:
    """Build a stage's template and zip into a folder. Raises SetUpError."""
    began = time.monotonic()
    config = configuration(stage)
    out = out.resolve()
    with TemporaryDirectory() as scratch:
        project, tree = Path(scratch) / "project", Path(scratch) / "tree"
        stage_project(project, config, stage)
        chalice(project, out, stage, config["stages"][stage]["environment_variables"])
        with zipfile.ZipFile(out / "deployment.zip") as made:
            made.extractall(tree)
        unpack("requirements.txt", tree, python=PYTHON, platform=PLATFORMS[config["lambda_architecture"]])
        strip(tree)
        compile_all(tree)
        unzipped = write_zip(tree, out / "deployment.zip")
    seconds = time.monotonic() - began
    return Package(
        stage=stage, template=out / "sam.json", zip=out / "deployment.zip", unzipped=unzipped, seconds=seconds
    )


def configuration(stage: str) -> dict[str, Any]:
    """Chalice's configuration, checked for the stage."""
    config: dict[str, Any] = json.loads(CONFIG.read_text())
    if stage not in config["stages"]:
        raise SetUpError(f".chalice/config.json has no stage '{stage}', but {', '.join(config['stages'])}.")
    return config


def stage_project(project: Path, config: dict[str, Any], stage: str) -> None:
    """A project for Chalice: our sources, each function's policy, and the template to merge; libraries are added later."""
    chalice_folder = project / ".chalice"
    chalice_folder.mkdir(parents=True)
    shutil.copy(ROOT / "app.py", project)
    shutil.copytree(
        ROOT / "chalicelib", project / "chalicelib", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    (project / "requirements.txt").touch()
    environment = config["stages"][stage]["environment_variables"]
    for function in policies.ACCESS:
        (chalice_folder / f"{function}.json").write_text(json.dumps(policies.policy(function, environment)))
    (chalice_folder / "config.json").write_text(json.dumps(with_access(config, stage)))
    around = template.around(stage, environment, timeouts(config))
    (chalice_folder / "around.json").write_text(json.dumps(around))


def with_access(config: dict[str, Any], stage: str) -> dict[str, Any]:
    """The configuration in which every function has its policy, and no secret that it may not read."""
    config = json.loads(json.dumps(config))
    functions = config["stages"][stage].setdefault("lambda_functions", {})
    for function in policies.ACCESS:
        settings = functions.setdefault(function, {})
        settings["iam_policy_file"] = f"{function}.json"
        settings["environment_variables"] = policies.withheld(function)
    return config


def timeouts(config: dict[str, Any]) -> dict[str, int]:
    """Each function's timeout in seconds."""
    given = config["lambda_functions"]
    return {
        function: given.get(function, {}).get("lambda_timeout", config["lambda_timeout"])
        for function in policies.ACCESS
    }


def chalice(project: Path, out: Path, stage: str, environment: dict[str, str]) -> None:
    """`chalice package` in the stage's environment and no other: app.py names its queues by it."""
    command = [Path(sys.executable).parent / "chalice", "--project-dir", project, "package", "--stage", stage]
    own = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [*command, "--merge-template", project / ".chalice" / "around.json", out],
        env=own | environment | {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SetUpError(f"chalice package failed:\n{done.stdout}{done.stderr}")


def strip(tree: Path) -> None:
    """Remove what never runs there: commands, schemas to validate by, and botocore's descriptions of services we do not call."""
    for unused in UNUSED:
        shutil.rmtree(tree / unused, ignore_errors=True)
    (tree / ".lock").unlink(missing_ok=True)
    for described in (tree / "botocore" / "data").iterdir():
        if described.is_dir() and described.name not in SERVICES:
            shutil.rmtree(described)
    for font in tree.glob("*.otf"):  # its wheel has it twice
        font.unlink()
    for locale in sorted((tree / "babel" / "locale-data").glob("*.dat")):
        if locale.stem.partition("_")[0] not in (*LANGUAGES, "root"):
            locale.write_bytes(slim(locale.read_bytes()))


def slim(locale: bytes) -> bytes:
    """A locale of CLDR's without what only a reader of its language needs: numbers and dates may be set by any, words are in ours."""
    told = pickle.loads(locale)  # noqa: S301 - of a locked wheel, whose hash is known
    return pickle.dumps({name: value for name, value in told.items() if name not in WORDS}, protocol=4)


def compile_all(tree: Path) -> None:
    """Bytecode for every module, taken unchecked: Lambda's disk is read-only, so a cold start could never keep its own."""
    command = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    # The hash seed settles the order of sets, and with it the bytes.
    steady = os.environ | {"PYTHONHASHSEED": "0"}
    if subprocess.run([*command, "-s", tree, "-p", "/var/task", tree], env=steady).returncode:
        raise SetUpError("A module of the package does not compile; what is said above tells which.")


def write_zip(tree: Path, to: Path) -> int:
    """The zip, the same bytes for the same files; returns their size."""
    size = 0
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for path in sorted(path for path in tree.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16  # readable by Lambda's user
            content = path.read_bytes()
            zipped.writestr(entry, content)
            size += len(content)
    return size


def lint(path: Path) -> int:
    """cfn-lint's opinion of a template; 0 if it has none."""
    return subprocess.run([Path(sys.executable).parent / "cfn-lint", "--template", path]).returncode


def report(built: Package) -> None:
    """Sizes, for a person; Lambda takes 50 MB zipped (from S3 more) and 250 MB unzipped."""
    resources = json.loads(built.template.read_text())["Resources"]
    print(f"{built.zip}: {built.zip.stat().st_size / 1e6:.1f} MB, {built.unzipped / 1e6:.1f} MB unzipped")
    size = built.template.stat().st_size / 1e3
    print(f"{built.template}: {size:.0f} KB, {len(resources)} resources, stage {built.stage}, python{PYTHON}")
    print(f"built in {built.seconds:.1f} s")
