"""Bad lines: one line that names the setting and what to do, exit code 2; equations that were not solved: 1."""

from __future__ import annotations

import pytest
from asking import asked, refused
from driving import command

from bioplaus.registry import THEORIES

BAD = [
    ("multitasking r=0 M=3 learning=supervised", "r=0.0", "> 0"),
    ("multitasking r=1.1 M=3 learning=supervised", "r=1.1", "<= 1"),
    ("multitasking d=1", "d=1.0", "< 1"),
    ("multitasking d=-0.1", "d=-0.1", ">= 0"),
    ("multitasking M=0 learning=supervised", "M=0", ">= 1"),
    ("multitasking K=0", "K=0", ">= 1"),
    ("multitasking K=2.5", "K=2.5", "whole number"),
    ("multitasking T=-0.1", "T=-0.1", ">= 0"),
    ("multitasking T=.nan", "T=nan", "finite"),
    ("multitasking K=100", "K=100", "K <= 13"),
    ("multitasking K=3 mc.N=5", "mc.N=5", "at least 6"),
    ("multitasking K=1 d=0.99 mc.N=9", "mc.N=9", "at least 100"),
    ("multitasking mc.N=10000000000", "mc.N=10000000000", "at most"),
    ("multitasking mc.sweeps=0", "mc.sweeps=0", ">= 1"),
    ("multitasking mc.sweep=3", "mc.sweep", "did you mean 'mc.sweeps'"),
    ("multitasking M=20", "M=20", "choose learning=supervised or learning=unsupervised"),
    ("multitasking r=0.5", "r=0.5", "choose learning=supervised or learning=unsupervised"),
    ("multitasking M=20 r=0.5", "M=20 and r=0.5", "choose learning=supervised or learning=unsupervised"),
    ("multitasking scan=r", "scan=r", "choose learning=supervised or learning=unsupervised"),
    ("multitasking learning=supervised r=0.5", "learning=supervised", "needs M"),
    ("multitasking learning=both", "learning=both", "storing, supervised, unsupervised"),
    ("multitasking scan=K", "scan=K", "d, T, r"),
    ("multitasking from=0", "from", "scan=d"),
    ("multitasking scan=d from=0.5 to=0.4", "from=0.5", "below to=0.4"),
    ("multitasking scan=d to=1", "d=1.0", "< 1"),
    ("multitasking scan=T from=-1", "T=-1.0", ">= 0"),
    ("multitasking figure=3", "figure=3", "true or false"),
    ("hopfield alpha=-0.1", "alpha=-0.1", ">= 0"),
    ("hopfield T=-1", "T=-1", ">= 0"),
    ("hopfield M=20", "M=20", "choose learning=supervised or learning=unsupervised"),
    ("hopfield learning=unsupervised", "learning=unsupervised", "needs M"),
    ("hopfield alpha=0.6 mc.N=100", "alpha=0.6", "<= 0.5"),
    ("hopfield mc.N=1", "mc.N=1", "at least 2"),
    ("hopfield mc.N=100000", "mc.N=100000", "at most"),
    ("hopfield scan=alpha from=-1", "alpha=-1.0", ">= 0"),
    ("dense P=2", "P=2", "bioplaus theory hopfield"),
    ("dense P=31", "P=31", "<= 30"),
    ("dense gamma=-1", "gamma=-1", ">= 0"),
    ("dense M=20", "M=20", "choose learning"),
    ("dense mc.N=100", "mc.N", "Known: P, gamma"),
    ("curie_weiss T=-1", "T=-1", ">= 0"),
    ("curie_weiss h=.inf", "h=inf", "finite"),
    ("curie_weiss N=0", "N=0", ">= 1"),
    ("curie_weiss N=2000000", "N=2000000", "<= 1e+06"),
    ("perceptron alpha=0", "alpha=0", "> 0"),
    ("perceptron transitions", "what=transitions", "transition"),
    ("perceptron transition scan=alpha", "scan=alpha", "leave what=transition out"),
    ("perceptron labels=random branch=stable", "branch=stable", "labels=teacher"),
    ("continual r0=1.5", "r0=1.5", "<= 1"),
    ("continual alpha1=0", "alpha1=0", "> 0"),
    ("continual gamma=-1", "gamma=-1", ">= 0"),
    ("continual beta=0", "beta=0", "> 0"),
    ("continual N=101 scan=gamma", "N=101 with scan=gamma", "leave one of them out"),
    ("continual N=5", "N=5", ">= 11"),
    ("curie_weiss N=50 mc.N=60", "mc.N=60 and N=50", "equal"),
    ("curie_weiss h=0.1 mc.N=60", "h=0.1", "no external field"),
    ("curie_weiss scan=h mc.N=60", "scan=h", "no external field"),
    ("curie_weiss mc.N=1000000000", "mc.N=1000000000", "at most"),
    ("hopfeld", "hopfeld", "did you mean 'hopfield'"),
]


@pytest.mark.parametrize(("words", "what", "remedy"), BAD, ids=[words for words, _, _ in BAD])
def test_one_clear_line(words: str, what: str, remedy: str) -> None:
    line = refused(2, *words.split())
    assert what in line and remedy in line


def test_not_converged_is_no_answer() -> None:
    line = refused(1, "multitasking", "K=2", "d=0.6666666666", "T=0.999999", "start=parallel")
    assert "residual" in line and "after" in line and "move T or d" in line


def test_a_perfect_quality_is_no_setting_of_examples() -> None:
    assert asked("multitasking", "K=1", "d=0", "r=1")["m"] == [1.0]


@pytest.mark.parametrize("theory", THEORIES.names())
def test_help_names_every_setting(theory: str) -> None:
    answer = command("theory", theory, "help=true")
    known = refused(2, theory, "nonsense=1").partition("Known: ")[2].split(", ")
    lines = answer.out.splitlines()
    assert answer.code == 0 and lines[0] == f"theory {theory}: {THEORIES.summary(theory)}"
    keys = [line.strip().partition("=")[0] for line in lines[1::2]]
    assert keys == [*known, "out", "figure"] and len(set(keys)) == len(keys)
    assert all(len(line.strip()) > 5 for line in lines[2::2]), "each with its meaning"


def test_list_names_every_theory() -> None:
    assert [line.split()[0] for line in command("theory", "list").out.splitlines()] == THEORIES.names()
    assert THEORIES.names() == ["multitasking", "hopfield", "dense", "curie_weiss", "lif", "stdp", "perceptron", "continual"]
