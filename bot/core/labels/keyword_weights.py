"""Facts about words: which cue speaks for which concept, and how much.

Apostrophes are left out of the phrases ("doesnt"); `keywords.py` says what the places mean.
"""

from __future__ import annotations

Cue = tuple[str, str]  # where it stands, and the words
TypeWeights = tuple[int, int, int]

TYPES = ("bug", "feature-request", "question")

# (place, tenths of log odds for each of TYPES, phrases)
_TYPE_ROWS: tuple[tuple[str, TypeWeights, str], ...] = (
    (
        "title",
        (6, -4, -4),
        "broken, crash, crashed, crashes, crashing, deadlock, does not work, doesnt work, "
        "freezes, hangs, infinite loop, isnt working, memory leak, no longer, not working, "
        "regression, segfault, segmentation fault, stopped working, stuck",
    ),
    ("title", (6, -4, -2), "bug"),
    (
        "title",
        (4, -2, -2),
        "breaks, corrupted, does not, doesnt, errors, exception, failed, failing, fails, "
        "failure, flaky, ignored, ignores, inconsistent, incorrect, incorrectly, intermittent, "
        "leak, missing, not work, overflow, race condition, throws, timeout, undefined, "
        "unexpected, wont, wrong",
    ),
    ("title", (4, -2, 0), "error"),
    ("title", (2, -2, -2), "causes, in, isnt, null, should not, shouldnt, warning"),
    ("title", (2, -2, 0), "after, cannot, cant, fail, issue, on, unable to"),
    ("title", (2, 0, -2), "if, instead of, invalid, is not, not, only, problem, when"),
    (
        "title",
        (-4, 6, -4),
        "ability to, enhancement, feature, feature request, idea, improvement, proposal, rfc, "
        "suggestion, support for, wishlist",
    ),
    (
        "title",
        (-2, 4, -2),
        "ability, add, adding, allow, allow for, better, consider, enable, expose, extend, "
        "implement, improve, introduce, make, new, option, option to, provide, request, support",
    ),
    ("title", (-2, 2, -2), "configurable, custom, drop, easier, option for, should"),
    ("title", (-2, 2, 0), "use"),
    ("title", (0, 2, -2), "could, remove, replace"),
    ("title", (0, 2, 0), "deprecate, more, rename, would be"),
    (
        "title",
        (-4, -4, 6),
        "any way, can i, clarification, difference between, help, how can, how can i, how do, "
        "how do i, how does, is there, is there a way, need help, question, should i, what are, "
        "what does, what is, why, why does, why is",
    ),
    ("title", (-4, -2, 6), "how to, is it possible"),
    (
        "title",
        (-2, -2, 4),
        "can we, confused, do i, does, i, possible, possible to, understanding, usage, what, "
        "where, which, who",
    ),
    ("title", (-2, 0, 4), "how"),
    ("title", (-2, -2, 2), "my"),
    ("title", (-2, 0, 2), "can, is"),
    ("title", (0, -2, 2), "example, guide"),
    ("title", (0, 0, 2), "tutorial"),
    (
        "start",
        (4, -2, -2),
        "[bug], [regression], bug, cannot, cant, crash, error, fails, fix, typeerror, unable, "
        "unable to",
    ),
    ("start", (2, -2, -2), "incorrect, invalid, problem, unexpected, wrong"),
    ("start", (2, -2, 0), "issue with, no"),
    ("start", (2, 0, 0), "after, broken, when"),
    (
        "start",
        (-2, 6, -2),
        "[enhancement], [feature request], [feature], [proposal], [request], [rfc], "
        "[suggestion], ability, add, allow, better, consider, enable, enhancement, expose, "
        "extend, feature, feature request, idea, implement, improve, introduce, make, option, "
        "please add, proposal, provide, request, rfc, suggestion, support",
    ),
    (
        "start",
        (-2, 2, -2),
        "allow for, create, deprecate, drop, move, new, remove, rename, replace, support for, "
        "use, wish",
    ),
    (
        "start",
        (-2, -2, 6),
        "[help], [question], any, are, can i, do, does, help, how can, how do, is there, need "
        "help, question, should i, what, what is, when will, where, which, who, why",
    ),
    ("start", (-2, -2, 4), "can, how, how to, is, is it"),
    ("start", (-2, -2, 2), "about, i, problem with, trying to, using, when i"),
    ("heading", (6, -2, -4), "reproduction"),
    (
        "heading",
        (6, -2, -2),
        "actual behaviour, describe the bug, error message, repro steps, steps to reproduce, "
        "what happened",
    ),
    ("heading", (4, -2, -2), "actual, actual behavior, bug"),
    (
        "heading",
        (2, -2, -2),
        "actual results, browser, environment, expected results, how often does this, steps",
    ),
    ("heading", (2, -2, 0), "expected behaviour, reproduce, to reproduce"),
    ("heading", (-6, 10, -4), "solution youd like"),
    (
        "heading",
        (-2, 6, -2),
        "benefit, contribution, describe the feature, feature request, motivation, proposal, "
        "proposed, this feature, use case, use cases",
    ),
    ("heading", (-2, 4, -2), "alternatives, feature, like, solution"),
    ("heading", (-2, 2, -2), "background, describe alternatives, rationale, request, suggestion"),
    ("heading", (-2, 2, 0), "additional context, describe the solution, problem"),
    ("heading", (-2, -2, 6), "help, question, questions, what have you tried"),
    ("heading", (-2, -2, 2), "my question"),
    ("form", (8, -4, -4), "bug, bug report, build, performance"),
    ("form", (-4, 8, -4), "enhancement, feature, feature request, proposal"),
    ("form", (-6, -4, 10), "support"),
    ("form", (-4, -4, 8), "documentation, help, other, others, question"),
    ("body start", (4, -2, -2), "bug, the"),
    ("body start", (2, -2, -2), "[image], after, steps, this, when"),
    (
        "body start",
        (-2, 2, -2),
        "add, allow, as a, currently, feature, i would like, is your feature, it would, it "
        "would be, proposal, right now, we, would, would be",
    ),
    ("body start", (-2, 2, 0), "support"),
    (
        "body start",
        (-2, -2, 2),
        "can, dear, does, hey, how, i, i am, i have, is it, is there, question, what, why",
    ),
    ("body start", (-2, 0, 2), "hello, hi"),
    ("body start", (0, -2, 2), "im"),
    (
        "body",
        (6, -4, -4),
        "crash, crashes, infinite loop, memory leak, regression, segfault, segmentation fault, "
        "stopped working, this is a bug, used to work, worked fine",
    ),
    ("body", (6, -2, -2), "steps to reproduce"),
    ("body", (4, -4, -2), "a bug"),
    (
        "body",
        (4, -2, -2),
        "actual behavior, actual result, after updating, after upgrading, broken, bug, "
        "consistently, crashed, does not work, doesnt work, error message, failed, fails, "
        "freezes, hangs, happens, incorrect, incorrectly, intermittently, no longer, occurs, "
        "previous version, randomly, stuck, throws, unexpected, upgraded, works as expected, "
        "works fine, wrong",
    ),
    ("body", (4, -2, 0), "reproducible"),
    (
        "body",
        (2, -2, -2),
        "chrome, click on, every time, failure, firefox, fix, isnt, not working, result",
    ),
    (
        "body",
        (2, -2, 0),
        "after, but it, correctly, expected, properly, reproduce, screenshot, still, to "
        "reproduce, when i, wont",
    ),
    ("body", (2, 0, -2), "errors, fail, latest version, safari, workaround"),
    ("body", (2, 0, 0), "actual, instead, instead of, only happens"),
    ("body", (0, -2, 0), "error"),
    ("body", (-6, 8, -2), "feature"),
    (
        "body",
        (-4, 6, -4),
        "ability to, feature request, i propose, i suggest, nice to have, proposal, proposing, "
        "support for, use cases, would be good, would be great, would be nice, would be useful, "
        "would love to",
    ),
    ("body", (-4, 6, -2), "use case, would be helpful"),
    (
        "body",
        (-2, 4, -2),
        "a new, a way to, add, allow, allows, alternative, alternatives, be able to, benefit, "
        "consider, contribute, convenient, could be, easier, enhancement, flexibility, "
        "flexible, i would like, id like, implement, implemented, improve, improvement, it "
        "would be, motivation, option, propose, suggest, suggestion, the user, useful, users, "
        "we could, would allow, would like",
    ),
    ("body", (-2, 2, -2), "adding, it should, pull request, would be"),
    ("body", (-2, 2, 0), "api, existing, other, provide, should, should be, similar to, we"),
    ("body", (-2, 2, 2), "support"),
    ("body", (0, 2, -2), "could, for example, i think, make it, many, more, pr"),
    ("body", (0, 2, 0), "better, currently, idea, new, such as"),
    (
        "body",
        (-4, -4, 6),
        "am i, any help, any idea, any ideas, can anyone, can someone, could anyone, could "
        "someone, do i, does anyone, dont understand, help me, how can i, how do, how do i, how "
        "should i, i dont understand, i wonder, is there any way, my question, please help, "
        "should i, thanks in advance, what am i",
    ),
    ("body", (-4, -2, 6), "how can, how to, is there a way, question, wondering"),
    ("body", (-2, -4, 6), "i dont know, stack overflow, understand"),
    (
        "body",
        (-2, -2, 4),
        "advice, appreciate, appreciated, beginner, best practice, best way, can i, clarify, "
        "confused, confusing, correct way, documentation, explain, guidance, help, how does, i "
        "am trying, i tried, im trying, is it possible, is this, know how, new to, proper way, "
        "questions, right way, stackoverflow, thank you, trying to, tutorial, want to know, "
        "what is, what is the, where can i, why",
    ),
    ("body", (-2, 0, 2), "i, i have, i need, i want, install, please, tried, what, which"),
    ("body", (0, -2, 2), "anyone, but i, running, solution, solve"),
    (
        "body",
        (0, 0, 2),
        "hello, hi, i am, i am using, i get, i want to, im using, me, my, project, read, so i, "
        "where",
    ),
    ("flag", (4, -2, -2), "exception, stack trace"),
    ("flag", (2, -2, 0), "screenshot"),
    ("flag", (0, 2, 0), "no text"),
    ("flag", (-4, 0, 4), "questions in the text"),
    ("flag", (-2, 0, 2), "form, question mark in the title"),
    ("flag", (0, 0, 2), "a question in the text"),
    ("title", (-6, 2, 4), "not a bug, isnt a bug"),
    ("body", (-6, 2, 4), "not a bug, isnt a bug, not a feature request"),
)

# (place, points, phrases)
_TOPIC_ROWS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "performance": (
        (
            "title",
            5,
            "performance, slow, slowness, slower, sluggish, laggy, lag, latency, high cpu, "
            "cpu usage, memory usage, memory consumption, takes too long, takes forever, "
            "bottleneck, performance regression, speed up",
        ),
        (
            "title",
            3,
            "perf, [perf], optimize, optimise, optimization, optimisation, faster, speed, "
            "throughput, memory leak, out of memory, hangs, delay, benchmark, inefficient, "
            "efficient",
        ),
        (
            "body",
            2,
            "performance, slow, slower, slowdown, very slow, really slow, latency, cpu usage, "
            "high cpu, memory usage, takes too long, takes forever, times slower, bottleneck, "
            "throughput, profiling, laggy, optimization",
        ),
    ),
    "documentation": (
        (
            "title",
            5,
            "docs, documentation, readme, [docs], [doc], docstring, docstrings, javadoc, "
            "changelog, documented, undocumented, doc",
        ),
        (
            "title",
            3,
            "typo, typos, broken link, dead link, tutorial, guide, wiki, document, examples in the",
        ),
        (
            "body",
            2,
            "the docs, docs say, documentation says, in the documentation, in the docs, "
            "documentation is, docs are, readme says, the readme, typo, broken link, "
            "documentation page, documentation should, update the documentation, "
            "documentation issue",
        ),
    ),
    "frontend": (
        (
            "title",
            5,
            "frontend, front end, css, stylesheet, web ui, user interface, dropdown, navbar, "
            "sidebar, tooltip, dark mode, modal, z index, viewport",
        ),
        (
            "title",
            3,
            "ui, ux, gui, button, buttons, layout, checkbox, popup, dialog, responsive, "
            "scrolling, scrollbar, input field, login page, screen reader, accessibility, "
            "safari, firefox, ios safari, form, menu, icon, theme, rendering",
        ),
        (
            "body",
            2,
            "frontend, front end, css, stylesheet, web ui, user interface, dropdown, navbar, "
            "sidebar, tooltip, dark mode, modal, the button, button is, the page, scroll bar, "
            "screen reader, viewport, safari, hover",
        ),
    ),
    "ui/ux": (
        ("title", 5, "ui, ux, user interface, user experience, usability, gui, dark mode, design"),
        (
            "title",
            3,
            "layout, button, tooltip, icon, dialog, accessibility, alignment, misaligned, "
            "overlaps, overlapping, contrast, font size, spacing",
        ),
        (
            "body",
            2,
            "user interface, user experience, usability, dark mode, confusing for users, hard "
            "to read, misaligned, overlaps, overlapping, contrast, font size, tooltip, "
            "accessibility",
        ),
    ),
    "backend": (
        (
            "title",
            5,
            "backend, back end, server side, internal server error, 500 error, http 500, "
            "microservice",
        ),
        (
            "title",
            3,
            "server, endpoint, endpoints, database, worker, daemon, cron, message queue, load "
            "balancer",
        ),
        (
            "body",
            2,
            "backend, back end, server side, internal server error, http 500, 500 error, "
            "server returns, the endpoint, server logs, load balancer, microservice, the "
            "worker, message queue",
        ),
    ),
    "database": (
        (
            "title",
            5,
            "database, databases, postgres, postgresql, mysql, mariadb, sqlite, mongodb, sql "
            "server, foreign key, sql query",
        ),
        (
            "title",
            3,
            "sql, db, migration, migrations, schema, query, queries, transaction, orm, primary key",
        ),
        (
            "body",
            2,
            "database, postgres, postgresql, mysql, mariadb, sqlite, mongodb, foreign key, "
            "primary key, sql, the query, migration, transaction",
        ),
    ),
    "api": (
        (
            "title",
            5,
            "rest api, graphql, openapi, swagger, endpoint, endpoints, public api, http api",
        ),
        (
            "title",
            3,
            "api, apis, webhook, webhooks, status code, rate limit, rate limiting, pagination",
        ),
        (
            "body",
            2,
            "rest api, graphql, openapi, swagger, the endpoint, api endpoint, the api "
            "returns, api call, status code, rate limit, api response, http status",
        ),
    ),
    "security": (
        (
            "title",
            5,
            "vulnerability, vulnerabilities, security, cve, xss, csrf, sql injection, remote "
            "code execution, rce, privilege escalation, security issue, exploit, path "
            "traversal",
        ),
        ("title", 3, "injection, auth bypass, bypass, leaks credentials, exposes, secrets, dos"),
        (
            "body",
            2,
            "vulnerability, vulnerabilities, cve, xss, csrf, sql injection, remote code "
            "execution, privilege escalation, security issue, security risk, exploit, "
            "attacker, malicious, path traversal",
        ),
        ("body", -6, "not a security issue, no security impact"),
    ),
    "urgent": (
        (
            "title",
            5,
            "urgent, urgently, asap, immediately, blocker, production down, production is "
            "down, data loss, outage",
        ),
        ("title", 3, "critical, blocking, emergency, as soon as possible, showstopper, p0"),
        (
            "body",
            2,
            "urgent, urgently, asap, as soon as possible, blocking us, is blocking, blocks "
            "our, production down, production is down, data loss, outage, critical for us, "
            "critical issue, in production",
        ),
        ("title", -6, "not urgent, not critical, non critical, not blocking"),
        ("body", -6, "not urgent, not critical, non critical, not blocking"),
    ),
}


def _by_cue() -> dict[Cue, TypeWeights]:
    return {
        (place, phrase): weights
        for place, weights, phrases in _TYPE_ROWS
        for phrase in phrases.split(", ")
    }


def _by_topic() -> dict[str, dict[Cue, int]]:
    return {
        concept: {
            (place, phrase): points
            for place, points, phrases in rows
            for phrase in phrases.split(", ")
        }
        for concept, rows in _TOPIC_ROWS.items()
    }


TYPE_BIAS: TypeWeights = (-1, 2, -1)
TYPE_CUES = _by_cue()
TOPIC_CUES = _by_topic()
