"""An issue with the very text of another one gets that one's answer, without asking a model.

What is kept holds no text: label names, and the number of the issue whose comment has the summary.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import msgspec

from bot.core import reply
from bot.core.ports import Forge, Model, Store
from bot.core.prompt import Answer, Prompt
from bot.core.types import CachedAnswer, IssueRef, Usage
from bot.flow.publish import own_comment
from bot.flow.render import summary_of


@dataclass(slots=True)
class AnswerCache:
    """Implements the `Model` port for one issue. Its answer is kept once it has been said."""

    model: Model
    store: Store
    forge: Forge
    ref: IssueRef
    _digest: str = ""
    _pending: CachedAnswer | None = field(default=None)

    @property
    def name(self) -> str:
        return self.model.name

    def worst_usd(self, tokens_in: int) -> float:
        return self.model.worst_usd(tokens_in)

    def ask(self, prompt: Prompt) -> Answer:
        """The answer of a twin, else the model's. Raises `ModelFailed`."""
        question = f"{self.model.name}\0{prompt.system}\0{prompt.user}".encode()
        self._digest = hashlib.sha256(question).hexdigest()[:32]
        cached = self.store.cached_answer(self.ref.repo_key, self._digest)
        if cached and cached.number != self.ref.number and (said := self._from_issue(cached)):
            return said
        answer = self.model.ask(prompt)
        choices = reply.read(answer.text).choices
        bare = tuple(replace(choice, reason="") for choice in choices)
        self._pending = CachedAnswer(self.ref.number, bare)
        return answer

    def keep(self) -> None:
        """Our comment is there: others may have its summary."""
        if self._pending:
            self.store.save_cached_answer(self.ref.repo_key, self._digest, self._pending)

    def _from_issue(self, cached: CachedAnswer) -> Answer | None:
        comment = own_comment(replace(self.ref, number=cached.number), self.forge)
        summary = summary_of(comment.body) if comment else ""
        if not summary:
            return None
        labels = [{"name": c.label, "certainty": c.certainty} for c in cached.choices]
        text = msgspec.json.encode({"summary": summary, "labels": labels}).decode()
        return Answer(text, Usage(self.model.name))
