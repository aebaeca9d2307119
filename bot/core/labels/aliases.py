"""Names of labels that mean a concept, in several languages, the most common first.

Case, emoji, separators and a leading family such as `kind/` or `type:` are ignored in comparison.
"""

from __future__ import annotations

_ALIASES = {
    "bug": "bugs, bug report, bug reports, defect, defects, confirmed bug, bug confirmed, fehler, "
    "error, 缺陷, バグ, 错误, 버그, ошибка, erro, incidencia, anomalie",
    "feature-request": "feature requests, feature, features, enhancement, enhancements, "
    "enhancement request, new feature, new feature request, improvement, improvements, feat, "
    "suggestion, suggestions, feature proposal, feature idea, idea, proposal, wish, wishlist, rfe, "
    "新功能, 功能请求, 需求, 機能要望, 기능 요청, verbesserung, melhoria, mejora, amélioration",
    "question": "questions, usage question, support question, user question, q a, qa, support, "
    "support request, help, how to, usage, 问题, 質問, 질문, вопрос, frage, pergunta, pregunta",
    "urgent": "critical, blocker, blocking, high priority, priority high, asap, p0",
    "frontend": "front end, web frontend, client side, client, web ui, ui",
    "backend": "back end, server side, server",
    "performance": "perf, performance issue, performance issues, slow, optimization, optimisation, "
    "speed, efficiency",
    "documentation": "docs, doc, documentation issue, docs issue, documentation bug, 文档, "
    "ドキュメント, документация, dokumentation, documentação, documentación",
    "security": "vulnerability, security issue, security vulnerability, sec",
    "database": "db, databases, sql",
    "api": "apis, rest api, public api, http api, rest",
    "ui/ux": "ui, ux, ux ui, user interface, user experience, usability, gui",
}

ALIASES = {concept: tuple(names.split(", ")) for concept, names in _ALIASES.items()}
