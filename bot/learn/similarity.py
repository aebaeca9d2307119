"""Ranks the issues that a search found by how likely they are about the same thing as a new one.

The score of words is that of BM25 with the title counted three times, and a bonus for words in both
titles; how rare a word is comes from the candidates and the shipped table of common words. What
speaks for a candidate (`Measures`) gives the probability, and the same error messages raise it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

from bot.core.related import MAX_CANDIDATES, MAX_SHOWN, Related, RelatedCandidate
from bot.core.types import Issue
from bot.learn.common_words import RARE, load_term_shares
from bot.learn.fingerprints import find_errors, find_frames
from bot.learn.templates import MAX_READ, strip_templates
from bot.learn.terms import list_terms, map_terms

SHOWN_AT = 0.135  # probability, where one report in three has a known duplicate

_MAX_TITLE, _MAX_BODY = 300, 500  # characters whose words are compared
_MAX_SEARCHED = 12_000  # characters of a candidate that error messages are searched in
_TITLE_WEIGHT = 3
_SATURATION, _LENGTH_SHARE = 1.2, 0.75  # k1 and b of BM25
_RARITY_POWER = 1.4
_TITLE_BONUS = 2.0
_PRIOR_ISSUES = 20  # the table of common words counts as so many candidates
_RIVALS = slice(MAX_SHOWN, MAX_SHOWN + 10)  # the candidates that one stands out from
_RIVAL_SHARE = 0.15  # of the issue's own score that a rival reaches where there are too few
_MIN_RARITY, _COMMON = 1.0, 0.05  # of a word that is a reason: rarity, share of issues
_MIN_SHARED = 2  # such words, unless error messages are the same
_MAX_REASON_WORDS = 3
_SAME_ERROR, _SAME_FRAMES = "same error line", "same stack frames"
_TRACES = {_SAME_ERROR: 0.5, _SAME_FRAMES: 0.3}
_MIN_FRAMES = 2


@dataclass(frozen=True, slots=True)
class Document:
    """The terms of an issue without the text of templates."""

    title: tuple[str, ...]
    body: tuple[str, ...]

    @property
    def length(self) -> int:
        """Return the number of terms, those of the title as often as they count."""
        return _TITLE_WEIGHT * len(self.title) + len(self.body)


class Measures(NamedTuple):
    """What speaks for a candidate. All but the last are logarithms.

    How much of the issue's own score it reaches; how far it stands out from those that are not
    shown; how near it is to the best; how much of its title the issue's text has.
    """

    reached: float
    stands_out: float
    is_best: float
    title_found: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """The scores of documents in their order; how rare the issue's terms are; its own score."""

    scores: tuple[float, ...]
    rarity: Mapping[str, float]
    own: float


# Log odds, fitted by `python -m tests.accuracy duplicates`.
_BIAS = -2.46
_WEIGHTS = Measures(reached=1.12, stands_out=1.53, is_best=3.83, title_found=1.57)


def rank_related(
    issue: Issue, candidates: Iterable[RelatedCandidate], limit: int = MAX_CANDIDATES
) -> list[Related]:
    """Return the older ones of the candidates, the most probable first, of equal ones the newest.

    Only those that are good enough to be shown have reasons. The order of the candidates does not
    matter; of more than `limit` the newest are compared.
    """
    older = {x.number: x for x in sorted(candidates, key=_describe) if _is_older(x, issue)}
    chosen = [older[number] for number in sorted(older, reverse=True)[:limit]]
    texts = [(x.title, x.body) for x in chosen]
    *documents, query = read_documents([*texts, (issue.title, issue.body)])
    ranking = rank(query, documents)
    traces = _find_traces(issue, chosen)
    scores = [
        1 / (1 + math.exp(-odds - sum(_TRACES[trace] for trace in found)))
        for odds, found in zip(estimate(query, documents, ranking), traces, strict=True)
    ]
    likely = [n for n, score in enumerate(scores) if score >= SHOWN_AT]
    words = map_terms(f"{issue.title[:_MAX_TITLE]}\n{issue.body[:MAX_READ]}") if likely else {}
    reasons = {
        n: (*traces[n], *_explain(query, documents[n], ranking.rarity, words)) for n in likely
    }
    order = sorted(range(len(chosen)), key=lambda n: (-scores[n], -chosen[n].number))
    return [Related(chosen[n], scores[n], reasons.get(n, ())) for n in order]


def read_documents(texts: Sequence[tuple[str, str]]) -> list[Document]:
    """Return the documents of titles and bodies, without lines that several bodies have."""
    bodies = strip_templates([body for _, body in texts], _MAX_BODY)
    return [
        Document(tuple(list_terms(title[:_MAX_TITLE])), tuple(list_terms(body[:_MAX_BODY])))
        for (title, _), body in zip(texts, bodies, strict=True)
    ]


def rank(query: Document, documents: Sequence[Document]) -> Ranking:
    """Return how similar each document is to the query."""
    wanted = Counter(query.body)
    for term in query.title:
        wanted[term] += _TITLE_WEIGHT
    every = [*documents, query]
    counts = [_count(document, wanted) for document in every]
    rarity = weigh_terms(wanted, counts[:-1])
    weights = {term: count * rarity[term] ** _RARITY_POWER for term, count in wanted.items()}
    mean = sum(document.length for document in documents) / max(1, len(documents)) or 1.0
    titles = frozenset(query.title)
    scores = []
    for document, found in zip(every, counts, strict=True):
        norm = _SATURATION * (1 - _LENGTH_SHARE + _LENGTH_SHARE * document.length / mean)
        total = sum(weights[term] * n / (n + norm) for term, n in found.items())
        bonus = sum(rarity[term] for term in titles.intersection(document.title))
        scores.append((_SATURATION + 1) * total + _TITLE_BONUS * bonus)
    return Ranking(tuple(scores[:-1]), rarity, scores[-1])


def _count(document: Document, wanted: Collection[str]) -> Counter[str]:
    found = Counter(filter(wanted.__contains__, document.body))
    for term in filter(wanted.__contains__, document.title):
        found[term] += _TITLE_WEIGHT
    return found


def weigh_terms(wanted: Collection[str], counts: Sequence[Collection[str]]) -> dict[str, float]:
    """Return how rare each term is: the logarithm of one issue in so many."""
    uses = Counter(chain.from_iterable(map(frozenset, counts)))
    shares = load_term_shares()
    issues = len(counts) + _PRIOR_ISSUES
    return {
        term: math.log(issues / min(issues, 0.5 + uses[term] + _PRIOR_ISSUES * share))
        for term in wanted
        for share in [shares.get(term, RARE)]
    }


def estimate(query: Document, documents: Sequence[Document], ranking: Ranking) -> list[float]:
    """Return the log odds of each document that it is about the same thing."""
    return [
        _BIAS + sum(weight * value for weight, value in zip(_WEIGHTS, measures, strict=True))
        for measures in measure(query, documents, ranking)
    ]


def measure(query: Document, documents: Sequence[Document], ranking: Ranking) -> list[Measures]:
    """Return what speaks for each document."""
    own, scores = ranking.own or 1.0, ranking.scores
    best = max(scores, default=0.0) or 1.0
    rivals = sorted(scores, reverse=True)[_RIVALS]
    missing = _RIVALS.stop - _RIVALS.start - len(rivals)
    rival = (sum(rivals) + missing * _RIVAL_SHARE * own) / (len(rivals) + missing) or 1.0
    terms = frozenset((*query.title, *query.body))
    titles = [document.title for document in documents]
    rarity = weigh_terms(frozenset(chain.from_iterable(titles)), titles)
    rarity.update(ranking.rarity)
    return [
        Measures(
            reached=math.log(score / own + 0.02),
            stands_out=math.log(score / rival + 0.1),
            is_best=math.log(score / best + 0.05),
            title_found=_measure_title(document, terms, rarity),
        )
        for document, score in zip(documents, scores, strict=True)
    ]


def _measure_title(
    document: Document, terms: Collection[str], rarity: Mapping[str, float]
) -> float:
    """Return the share of a title that the issue's text has, rare terms counted more."""
    found = total = 0.0
    for term in dict.fromkeys(document.title):
        weight = rarity[term] ** 2
        total += weight
        found += weight * (term in terms)
    return found / total if total else 0.0


def _find_traces(issue: Issue, candidates: Sequence[RelatedCandidate]) -> list[list[str]]:
    """Return what error messages each candidate has in common with the issue, in words."""
    errors, frames = find_errors(issue.body), find_frames(issue.body)
    found = []
    for candidate in candidates:
        body = candidate.body[:_MAX_SEARCHED]
        has_error = any(error.is_in(body) for error in errors)
        has_frames = sum(frame in body for frame in frames) >= _MIN_FRAMES
        found.append([*[_SAME_ERROR] * has_error, *[_SAME_FRAMES] * has_frames])
    return found


def _explain(
    query: Document, document: Document, rarity: Mapping[str, float], words: Mapping[str, str]
) -> Iterator[str]:
    """Yield in words what both have, the rarest first: "same title words: login, Firefox".

    One word alone is no reason.
    """
    texts = frozenset((*query.title, *query.body)).intersection((*document.title, *document.body))
    telling = sorted(filter(partial(_is_telling, rarity), texts), key=lambda x: (-rarity[x], x))
    if len(telling) < _MIN_SHARED:
        return
    titles = frozenset(query.title).intersection(document.title)
    in_titles = [term for term in telling if term in titles]
    names = dict.fromkeys(words.get(term, term) for term in in_titles or telling)
    what = "title words" if in_titles else "words"
    yield f"same {what}: {', '.join(list(names)[:_MAX_REASON_WORDS])}"


def _is_telling(rarity: Mapping[str, float], term: str) -> bool:
    is_rare = rarity[term] >= _MIN_RARITY and load_term_shares().get(term, RARE) < _COMMON
    return is_rare and len(term) > 1 and not term.isdigit()


def _describe(candidate: RelatedCandidate) -> tuple[int, str, str]:
    return candidate.number, candidate.title, candidate.body


def _is_older(candidate: RelatedCandidate, issue: Issue) -> bool:
    number = issue.ref.number
    if candidate.number == number:
        return False
    if candidate.created_at and issue.created_at and candidate.created_at != issue.created_at:
        return candidate.created_at < issue.created_at
    return candidate.number < number
