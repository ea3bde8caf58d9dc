"""Generated pages of the site: one for everything there is, saying what the registry, the cards and the committed results say."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from driving import ROOT, command

from bioplaus import config
from bioplaus.errors import ConfigError
from bioplaus.experiments import catalogue
from bioplaus.registry import DEVICES, NEURONS, RULES
from bioplaus.site import markup, neurons, reference, rules
from bioplaus.site.pages import on_site, pages
from bioplaus.site.results import command_of

pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the checkout, not an installed wheel")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages(ROOT)


def test_a_page_for_everything(made: dict[str, str]) -> None:
    for folder, names in (
        ("rules", RULES.names()), ("neurons", NEURONS.names()), ("devices", DEVICES.names()), ("results", catalogue.MODULES),
    ):  # fmt: skip
        there = {Path(path).stem for path in made if path.startswith(f"{folder}/")} - {"index"}
        assert there == set(names)
    assert all(text.startswith("# ") for text in made.values())


def test_the_notebooks_are_named_with_their_files(made: dict[str, str]) -> None:
    files = sorted((ROOT / "experiments" / "notebooks").glob("*.ipynb"))
    assert len(files) >= 10
    for file in files:
        assert f"`experiments/notebooks/{file.name}`" in made["notebooks.md"]
    assert ".ipynb)" not in made["notebooks.md"]  # no link to what is not on the site


def test_the_first_page_leads_to_every_written_page(made: dict[str, str]) -> None:
    """A guide that the first page does not name is found by nobody; what only explains another guide's file is not asked for."""
    first = (ROOT / "docs" / "index.md").read_text()
    written = {file.name for file in (ROOT / "docs").glob("*.md")} - {"index.md", "architecture.md", "ccl.md"}
    assert {name for name in written if f"({name}" not in first} == set()


def test_page_of_a_rule(made: dict[str, str]) -> None:
    text = made["rules/dfa.md"]
    assert "D_l = (e R_l) * phi'(z_l)" in text  # the equation of its module
    assert "| broadcast | output error |" in text and "| weight transport | no |" in text  # its card
    assert "| `rule.lr` |" in text and "arXiv:1609.01596" in text
    (row,) = [one for one in json.loads((ROOT / "experiments/results/fair_mnist.json").read_text())["rows"] if one["settings"]["rule"] == "dfa"]
    assert f"{row['mean']:.4g} [{row['ci95'][0]:.4g}, {row['ci95'][1]:.4g}]" in text
    assert "### Rules on MNIST" in text and "../results/fair_mnist.md" in text
    assert "ccl raw" not in text  # rows of other rules stay away


def test_every_rule_has_what_a_reader_wants(made: dict[str, str]) -> None:
    for name in RULES.names():
        text = made[f"rules/{name}.md"]
        wanted = ("## What it does", "## What it honours", "## Settings", "## Source", "## Audit card")
        assert all(title in text for title in wanted if RULES.is_built_in(name)), name
        assert RULES.get(name).reference in text


def test_cards_are_those_of_the_table() -> None:
    page = ROOT / "docs" / "audit.md"
    assert dict(rules.card_of("ccl", page))["backward locking"] == "no"
    assert dict(rules.card_of("bp", page))["reads beyond its two sides"] == "forward weights of other layers"
    assert rules.card_of("nothing", page) == []


def test_not_reached_is_said(made: dict[str, str]) -> None:
    assert "**not reached**" in made["rules/top.md"]


def test_settings_have_their_ranges() -> None:
    table = markup.settings_table(RULES.get("ccl").Config, "rule.")
    assert "| `rule.flooding` | `0.0` | a number >= 0, <= 1 |" in table
    assert "`raw`, `normalised`, `maps`" in table and all(line.count(" | ") == 3 for line in table.splitlines() if not line.startswith("|---"))


def test_rows_can_be_run_alone() -> None:
    """The command printed for a row means the settings of the row."""
    count = 0
    for name in ("digits_default", "perforated_digits", "conversion_mnist"):
        for row in json.loads((ROOT / f"experiments/results/{name}.json").read_text())["rows"]:
            if line := command_of(row["settings"]):
                words = shlex.split(line)
                assert words[:2] == ["bioplaus", "simulate"]
                given = config.resolve(config.parse(words[2:]), locate=False)
                assert config.as_dict(given) == config.as_dict(config.resolve(row["settings"], locate=False))
                count += 1
    assert count > 15
    assert command_of({"command": "bioplaus compare rules=bp", "rule": "bp"}) == "bioplaus compare rules=bp"
    assert command_of({"rule": "bp", "balance": "max"}) == command_of({"M": 3}) == ""


def test_static_curves_are_the_functions() -> None:
    (panel,) = neurons.picture("elu").panels
    activity, slope = panel.series
    at = {round(x, 2): (a, s) for x, a, s in zip(activity.x, activity.y, slope.y)}
    assert at[2.0] == pytest.approx((2, 1)) and at[-1.0] == pytest.approx((0.36788 - 1, 0.36788), abs=1e-4)


def test_spiking_curves_fire_at_the_rate_of_theory() -> None:
    """Without a leak a constant current a fires floor(a T) times in T steps."""
    rate = neurons.picture("if").panels[1].series[0]
    steps = 100
    for x, y in zip(rate.x, rate.y):
        if abs(x * steps - round(x * steps)) > 1e-3:  # float32 sums may miss a threshold that they should meet
            assert y == pytest.approx(min(int(x * steps), steps) / steps)


def test_reference_names_modules_that_exist() -> None:
    for title, _, modules in reference.PAGES.values():
        assert title and modules
        for module in modules:
            path = Path(*module.split("."))
            tail = Path(*path.parts[1:])
            places = (ROOT / path, ROOT / tail)
            assert any(place.with_suffix(".py").is_file() or (place / "__init__.py").is_file() for place in places), module


def test_links_out_of_docs_become_pages(made: dict[str, str]) -> None:
    for file in (ROOT / "docs").glob("*.md"):
        links = re.findall(r"\]\(([^)#]+)", on_site(file.read_text(encoding="utf-8")))
        for link in links:
            there = "://" in link or link in made or (ROOT / "docs" / link).is_file() or re.fullmatch(r"results/\w+\.png", link)
            assert there and not link.startswith("../"), f"{file.name}: {link}"


def test_links_of_docs_exist_in_the_checkout() -> None:
    for file in (ROOT / "docs").glob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)", file.read_text(encoding="utf-8")):
            assert "://" in link or (ROOT / "docs" / link).exists(), f"{file.name}: {link}"


WRITTEN = ("index", "faq", "adding_a_rule", "concepts", "export")


def commands(text: str) -> list[str]:
    """Return the commands in code blocks and in code within lines."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    inline = re.findall(r"`(bioplaus [^`]+)`", text)
    return [line for line in (*lines, *inline) if line.startswith("bioplaus ")]


@pytest.mark.parametrize("page", WRITTEN)
def test_commands_of_written_pages_are_understood(page: str) -> None:
    """Settings are resolved, nothing is run; of other verbs the words have to be known."""
    for line in commands((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")):
        verb, *words = shlex.split(line)[1:]
        if any("damped" in word or "mine.py" in word or word == "rule=NAME" for word in words):
            continue  # the reader's own rule
        if verb in ("simulate", "show") and "--config" not in words:
            try:
                config.resolve(config.parse(words), locate=False)
            except ConfigError as error:
                pytest.fail(f"{page}: {line}: {error}")
        else:
            assert command(verb, "--help").code == 0, line


def test_the_example_of_a_rule_runs(tmp_path: Path) -> None:
    """The rule of the page trains, and its audit finds what it claims."""
    text = (ROOT / "docs" / "adding_a_rule.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    file = tmp_path / "mine.py"
    file.write_text(code, encoding="utf-8")
    answer = command("audit", f"rule={file}:Damped", "--json")
    assert answer.code == 0, answer.err
    card = json.loads(answer.out)
    assert card["weight_transport"] and card["backward_locking"] and card["phases"] == 2


def test_the_table_of_speed_is_that_of_the_benchmarks() -> None:
    faq, kept = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/faq.md", "benchmarks/README.md"))
    rows = [line for line in faq.splitlines() if line.startswith(("| digits, width", "| MNIST, 256"))]
    assert len(rows) == 5 and all(row in kept for row in rows)
