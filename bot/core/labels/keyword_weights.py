"""Loads `keyword_weights.json`: what a phrase counts for a concept, by the part that holds it.

Weights of types are tenths of log odds, those of topics points. Phrases are in lower case, without
apostrophes ("doesnt"). `keywords.find_keywords` lists the parts of an issue.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

WEIGHTS_FILE = Path(__file__).with_name("keyword_weights.json")

Keyword = tuple[str, str]  # a part of an issue, and a phrase in it
Weights = dict[str, dict[Keyword, int]]  # by concept


class KeywordWeights(NamedTuple):
    types: Weights  # of an issue's types, which exclude each other
    type_bias: dict[str, int]
    topics: Weights


@cache
def load_weights() -> KeywordWeights:
    """Return the tables of `keyword_weights.json`."""
    data = json.loads(WEIGHTS_FILE.read_bytes())
    tables: dict[str, Weights] = {"types": {}, "topics": {}}
    for name, table in tables.items():
        for row in data[name]:
            for concept, weight in row["weights"].items():
                keywords = dict.fromkeys(((row["part"], p) for p in row["phrases"]), weight)
                table.setdefault(concept, {}).update(keywords)
    return KeywordWeights(tables["types"], data["type_bias"], tables["topics"])
