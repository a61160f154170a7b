"""The report's page: it needs nothing else, shows what it was given, and takes no text for HTML."""

import re
from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from argminn_core.plot.colours import motif_colour
from argminn_core.plot.report_html import count, number, percent
from argminn_core.plot.report_page import MAX_INSTANCES, Example, render
from argminn_core.plot.report_tracks import WIDTH
from argminn_core.tables import CARDS, CAUSAL, DROPPED, GAPS, RULES
from pages import Reading, card, empty, instances, page

HOSTILE = """<img src=x onerror="alert(1)">&'\"</style><script>alert(2)</script>"""


def hostile(value):
    """The same value with every text in it, of names and of what is said, replaced."""
    if isinstance(value, pd.DataFrame):
        keep = {"strand", "orientation", "readers", "kind", "passed"}
        texts = [c for c in value if value[c].dtype == object and c not in keep]
        return value.assign(**{c: value[c].where(value[c] == "", HOSTILE) for c in texts})
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, dict):
        return dict.fromkeys([HOSTILE], hostile(next(iter(value.values()))))
    if isinstance(value, list):
        return [replace(e, name=HOSTILE, instances=hostile(e.instances)) for e in value]
    return value


def test_shows_each_number_that_it_was_given():
    text = Reading(render(page())).text
    for shown in (
        "4 sequences read", "3 called positive (75%)", "3 instances, in 3 sequences", "2 motifs of 2 filters",
        "1,234 windows, 11.2 bits", "41 of 80 sequences (51%)", "57, 29 on the + strand", "3.47 logits on average",
        "83% within 44 bp of the middle, q = 2.3e-08", "2.3 (37), 1.1 (20)", "evidence gain 0.617",
        "75% found it too", "CTCF MA0139.2 , q = 4.5e-11", "no match among known motifs",
        "median 0.875, half of them from -0.844 to 1.93, all from -4.12 to 3.21",
        "logit 3.21, probability 96%", "0–12 + ACGTACGTACGT 2 0.031",
        "CTCF then SPI1, same strand, gap 3 (62%), synergy +2.9 [2.5, 3.3], q = 1e-40",
        "SPI1 reads the sites of CTCF: 53% of its 17 instances share their bases with one, and start 4 bp after it, on "
        "the other strand",
        "necessity 36.4 30.1 to 41.7 57 ≥ 5 met", "sufficiency 0.71 40 ≥ 0.8 missed", "CTCF 3 3 219",
        "too short 1 tiny 4 bp", "seed 11", "stride default", "instances.tsv sites that the model used",
        "Receipt: a target was missed", "1 of 2 targets met.",
    ):  # fmt: skip
        assert shown in text, shown


def test_needs_no_network_and_no_script():
    for made in (page(), empty()):
        html = render(made)
        reading = Reading(html)
        assert reading.open == []
        assert {"script", "link", "iframe", "img", "object", "base"}.isdisjoint(reading.tags)
        for _, name, value in reading.attributes:
            assert not name.startswith("on")
            if name in ("href", "src"):
                assert value.startswith("#")
        style = html[html.index("<style>") : html.index("</style>")]
        assert not re.search(r"url\(|@import|http", style)
        assert re.findall(r"https?://[^\"' <]+", html) == ["http://www.w3.org/2000/svg"] * html.count(
            "xmlns="
        )


def test_links_lead_somewhere():
    reading = Reading(render(page()))
    ids = [value for _, name, value in reading.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {value[1:] for _, name, value in reading.attributes if name == "href"} <= set(ids)


def test_no_name_becomes_html():
    plain = page()
    # A name stands for one motif everywhere, so it is replaced everywhere.
    evil = replace(plain, **{f.name: hostile(getattr(plain, f.name)) for f in fields(plain)})
    html = render(evil)
    reading = Reading(html)
    assert reading.open == []
    assert {"img", "script"}.isdisjoint(reading.tags)
    assert "<script" not in html and "<img" not in html
    assert html.count("</style>") == 1
    assert reading.text.count(HOSTILE) > 15
    assert not [name for _, name, _ in reading.attributes if name.startswith("on")]


def test_nothing_to_show_is_said_section_by_section():
    html = render(empty())
    text = Reading(html).text
    for said in (
        "None of the sequences could be read", "No filter of this model learned a motif that counts",
        "No sequence has an instance", "No rule passed its tests", "Nothing to test.",
        "No instance, and no match that was ignored", "Nothing: every record was read",
        "Receipt: nothing could be judged", "0 instances, in 0 sequences",
    ):  # fmt: skip
        assert said in text, said
    assert not re.search(r"\b(nan|NaN|inf|NaT)\b", html)


def test_what_is_not_known_is_a_dash():
    unknown = {name: np.nan for name, kind in (CARDS.columns | CARDS.optional).items() if kind == "float"} | {
        "instances": 4,
        "readers": "",
    }
    cards = CARDS.frame([card("CTCF", 0, **unknown)])
    html = render(page(cards=cards, instances=instances(2).assign(q_value=np.nan)))
    text = Reading(html).text
    assert not re.search(r"\b(nan|inf)\b", html, re.IGNORECASE)
    assert "found in 41 of 80 sequences (–)" in text and "read by –" in text and "other seeds" not in text


def test_long_tables_are_cut_and_say_where_the_rest_is():
    many = instances(5000)
    text = Reading(render(page(instances=many))).text
    assert f"{MAX_INSTANCES} of 5,000; all are in instances.tsv" in text
    assert text.count(" seq_") <= MAX_INSTANCES + 5
    strongest, weakest = many["sequence"].iloc[-1], many["sequence"].iloc[0]
    table = text[text.index("all are in instances.tsv") :]
    assert strongest in table and f"{weakest} " not in table


def test_twenty_motifs_and_thousands_of_instances_stay_under_five_megabytes():
    rng = np.random.default_rng(0)
    names = [f"motif_{i:02d}" for i in range(20)]
    pairs = [(a, b) for a in names for b in names if a < b]
    arranged = pd.DataFrame(pairs, columns=["left", "right"]).assign(orientation="++")
    one = page().rules.iloc[[0]]
    rules = pd.concat([one] * len(pairs), ignore_index=True)
    rules = RULES.check(rules.assign(left=arranged["left"], right=arranged["right"]))
    gaps = GAPS.check(arranged.merge(pd.DataFrame({"gap": range(-10, 151)}), how="cross").assign(
        sequences=7, expected=1.0, p_value=0.5, q_value=1.0))  # fmt: skip
    causal = CAUSAL.check(gaps.drop(columns=["sequences", "expected", "p_value", "q_value"]).assign(
        logit=1.0, additive=0.5, synergy=0.5, low=0.25, high=0.75))  # fmt: skip
    found = pd.concat([instances(500, name) for name in names], ignore_index=True)
    examples = [Example(f"s{i}", 0, "ACGT" * 125, 1.0, 0.7, found.iloc[:200]) for i in range(6)]
    dropped = DROPPED.frame(
        {"record": [f"r{i}" for i in range(20000)], "reason": "too short", "detail": "4 bp"}
    )
    html = render(
        page(
            pfms={name: rng.dirichlet(np.ones(4), 30).T for name in names}, instances=found, rules=rules, gaps=gaps,
            cards=CARDS.frame([card(name, i) for i, name in enumerate(names)]), causal=causal, examples=examples,
            dropped=dropped,
        )
    )  # fmt: skip
    assert len(html.encode()) < 5_000_000
    reading = Reading(html)
    assert reading.open == [] and "20,000" in reading.text


def test_motifs_have_the_colours_of_the_app():
    html = render(page())
    assert f'style="background:{motif_colour(0)}"></span>CTCF' in html
    assert f'style="background:{motif_colour(1)}"></span>SPI1' in html
    assert f'fill="{motif_colour(0)}"' in html  # the arrow


def test_an_arrow_points_along_its_strand_and_lies_on_its_bases():
    def tip(strand: str) -> list[float]:
        found = instances(1).assign(start0=100, end0=150, strand=strand)
        example = Example("seq_0", 50, "A" * 500, 1.0, 0.7, found)
        points = re.search(r'<polygon points="([^"]+)"', render(page(examples=[example])))[1]
        return [float(pair.split(",")[0]) for pair in points.split()]

    scale = (WIDTH - 20) / 500
    plus, minus = tip("+"), tip("-")
    for points in (plus, minus):
        assert min(points) == pytest.approx(10 + 50 * scale, abs=0.1)
        assert max(points) == pytest.approx(10 + 100 * scale, abs=0.1)
    # The edge that comes to a point has one corner, the other has two.
    assert plus.count(max(plus)) == 1 and plus.count(min(plus)) == 2
    assert minus.count(min(minus)) == 1 and minus.count(max(minus)) == 2


def test_the_letters_of_a_minus_site_are_read_on_its_strand():
    found = instances(1).assign(start0=2, end0=6, strand="-")
    example = Example("seq_0", 0, "GGAAAC" + "T" * 94, 1.0, 0.7, found)
    assert "2–6 - GTTT" in Reading(render(page(examples=[example]))).text


def test_a_pair_has_its_gaps_drawn_and_a_single_motif_has_not():
    html = render(page())
    pair = html[html.index("CTCF then SPI1, same strand, gap 3") :]
    assert pair.index("gap 3: 31 sequences") < pair.index("CTCF is necessary")
    assert html.count("gap 3: 31 sequences") == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0%"), (0.0004, "< 0.1%"), (0.041, "4.1%"), (0.5, "50%"), (0.9996, "> 99%"), (1, "100%"), (np.nan, "–")],
)  # fmt: skip
def test_percentages_do_not_round_to_none_or_all(value, said):
    assert percent(value) == said


def test_numbers_are_short_and_never_nan():
    assert [number(x) for x in (3.14159, -0.00123, 1234567.8, np.nan, np.inf, 0)] == [
        "3.14", "-0.00123", "1,234,568", "–", "–", "0"
    ]  # fmt: skip
    assert count(np.nan) == "–"
