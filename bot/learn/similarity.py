"""Ranks the issues that a search found by how likely they are about the same thing as a new one.

The score of words is that of BM25 with the title counted three times, and a bonus for words in both
titles; how rare a word is comes from the candidates and the shipped table of common words. The
probability comes from how much of the issue's own score a candidate reaches, how rare the words
in both titles are, and how far the candidate stands out from the others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.core.related import MAX_CANDIDATES, MAX_SHOWN, Related, RelatedCandidate
from bot.core.types import Issue
from bot.learn.common_words import RARE, load_term_shares
from bot.learn.fingerprints import find_errors, find_frames
from bot.learn.templates import MAX_READ, find_template, strip_template
from bot.learn.terms import list_terms, map_terms

SHOWN_AT = 0.5  # probability

_MAX_TITLE, _MAX_BODY = 300, 1_000  # characters whose words are compared
_MAX_SEARCHED = 12_000  # characters of a candidate that error messages are searched in
_TITLE_WEIGHT = 3
_SATURATION, _LENGTH_SHARE = 1.2, 0.75  # k1 and b of BM25
_RARITY_POWER = 1.4
_TITLE_BONUS = 2.0
_PRIOR_ISSUES = 20  # the table of common words counts as so many candidates
_RIVALS = slice(MAX_SHOWN, MAX_SHOWN + 10)  # the candidates that one stands out from
_RIVAL_SHARE = 0.15  # of the issue's own score that a rival reaches where there are too few
_MIN_RARITY = 1.5  # of a word that is a reason
_MAX_REASON_WORDS = 3
# Log odds: see `docs/figures.md`.
_BIAS, _REACHED, _SHARED, _STANDS_OUT = -0.41, 1.45, 0.41, 1.33
_SAME_ERROR, _SAME_FRAMES = "same error line", "same stack frames"
_TRACES = {_SAME_ERROR: 1.0, _SAME_FRAMES: 0.5}
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


@dataclass(frozen=True, slots=True)
class Ranking:
    """The scores of documents in their order; how rare the issue's terms are; its own score."""

    scores: tuple[float, ...]
    rarity: Mapping[str, float]
    own: float


def find_related(issue: Issue, candidates: Iterable[RelatedCandidate]) -> tuple[Related, ...]:
    """Return the older issues to show, the most probable first, in whatever order they came."""
    return tuple(x for x in rank_related(issue, candidates)[:MAX_SHOWN] if x.score >= SHOWN_AT)


def rank_related(issue: Issue, candidates: Iterable[RelatedCandidate]) -> list[Related]:
    """Return the older ones of the candidates, the most probable first, of equal ones the newest.

    Those that are not to be shown have no reasons. Of more than `MAX_CANDIDATES` the newest are
    compared.
    """
    older = {x.number: x for x in sorted(candidates, key=_describe) if _is_older(x, issue)}
    chosen = [older[number] for number in sorted(older, reverse=True)[:MAX_CANDIDATES]]
    texts = [(x.title, x.body) for x in chosen]
    *documents, query = read_documents([*texts, (issue.title, issue.body)])
    ranking = rank(query, documents)
    traces = _find_traces(issue, chosen)
    scores = [
        1 / (1 + math.exp(-odds - sum(_TRACES[trace] for trace in found)))
        for odds, found in zip(_estimate(query, documents, ranking), traces, strict=True)
    ]
    order = sorted(range(len(chosen)), key=lambda n: (-scores[n], -chosen[n].number))
    shown = {n for n in order[:MAX_SHOWN] if scores[n] >= SHOWN_AT}
    words = map_terms(f"{issue.title[:_MAX_TITLE]}\n{issue.body[:MAX_READ]}")
    reasons = {
        n: (*traces[n], *_explain_words(query, documents[n], ranking.rarity, words)) for n in shown
    }
    return [Related(chosen[n], scores[n], reasons.get(n, ())) for n in order]


def read_documents(texts: Sequence[tuple[str, str]]) -> list[Document]:
    """Return the documents of titles and bodies, without lines that several bodies have."""
    template = find_template([body for _, body in texts])
    return [_read_document(title, body, template) for title, body in texts]


def rank(query: Document, documents: Sequence[Document]) -> Ranking:
    """Return how similar each document is to the query."""
    wanted = Counter(query.body)
    for term in query.title:
        wanted[term] += _TITLE_WEIGHT
    every = [*documents, query]
    counts = [_count(document, wanted) for document in every]
    rarity = _weigh(wanted, counts[:-1])
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


def _read_document(title: str, body: str, template: Collection[str]) -> Document:
    shown = strip_template(body, template, _MAX_BODY)[:_MAX_BODY]
    return Document(tuple(list_terms(title[:_MAX_TITLE])), tuple(list_terms(shown)))


def _count(document: Document, wanted: Collection[str]) -> Counter[str]:
    found = Counter(filter(wanted.__contains__, document.body))
    for term in filter(wanted.__contains__, document.title):
        found[term] += _TITLE_WEIGHT
    return found


def _weigh(wanted: Collection[str], counts: Sequence[Collection[str]]) -> dict[str, float]:
    """Return how rare each term is: the logarithm of one issue in so many."""
    uses = Counter(term for found in counts for term in found)
    shares = load_term_shares()
    issues = len(counts) + _PRIOR_ISSUES
    return {
        term: math.log(issues / min(issues, 0.5 + uses[term] + _PRIOR_ISSUES * share))
        for term in wanted
        for share in [shares.get(term, RARE)]
    }


def _estimate(query: Document, documents: Sequence[Document], ranking: Ranking) -> list[float]:
    """Return the log odds of each document that it is about the same thing."""
    own = ranking.own or 1.0
    rivals = sorted(ranking.scores, reverse=True)[_RIVALS]
    missing = _RIVALS.stop - _RIVALS.start - len(rivals)
    rival = (sum(rivals) + missing * _RIVAL_SHARE * own) / (len(rivals) + missing)
    titles = frozenset(query.title)
    odds = []
    for document, score in zip(documents, ranking.scores, strict=True):
        shared = sum(ranking.rarity[term] for term in titles.intersection(document.title))
        odds.append(
            _BIAS
            + _REACHED * math.log(score / own + 0.02)
            + _SHARED * math.log(shared + 0.5)
            + _STANDS_OUT * math.log(score / (rival or 1.0) + 0.1)
        )
    return odds


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


def _explain_words(
    query: Document, document: Document, rarity: Mapping[str, float], words: Mapping[str, str]
) -> Iterator[str]:
    """Yield a reason with the rarest words that both titles have, else that both texts have."""
    titles = frozenset(query.title).intersection(document.title)
    texts = frozenset((*query.title, *query.body)).intersection((*document.title, *document.body))
    for what, terms in (("same title words", titles), ("same words", texts)):
        rare = sorted((x for x in terms if rarity[x] >= _MIN_RARITY), key=lambda x: (-rarity[x], x))
        if rare:
            yield f"{what}: {', '.join(words.get(x, x) for x in rare[:_MAX_REASON_WORDS])}"
            return


def _describe(candidate: RelatedCandidate) -> tuple[int, str, str]:
    return candidate.number, candidate.title, candidate.body


def _is_older(candidate: RelatedCandidate, issue: Issue) -> bool:
    number = issue.ref.number
    if candidate.number == number:
        return False
    if candidate.created_at and issue.created_at and candidate.created_at != issue.created_at:
        return candidate.created_at < issue.created_at
    return candidate.number < number
