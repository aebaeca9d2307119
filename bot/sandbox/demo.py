"""The repositories that the sandbox starts with, one on each host.

The types and the automation are those of the demo alone.
"""

from __future__ import annotations

DEMO_REPO = "acme/widget"
DEMO_PROJECT = "acme/gadget"
DEMO_REPOS = {"github": DEMO_REPO, "gitlab": DEMO_PROJECT}
DEMO_LABELS: dict[str, str] = {
    "bug": "Something is broken or behaves differently from the documentation",
    "enhancement": "A new feature or an improvement of an existing one",
    "documentation": "The manual, the README or an example is wrong or missing",
    "question": "Somebody asks how to do something",
    "performance": "Slow, or needs too much memory",
    "regression": "Worked in an earlier release",
    "area/login": "Signing in and out, sessions, single sign-on",
    "area/api": "The REST API and its clients",
    "area/ui": "Pages, buttons, layout, themes",
    "area/database": "Storage, migrations, queries",
    "good first issue": "Good for newcomers",
    "wontfix": "This will not be worked on",
    "needs-review": "A maintainer should have a look",
    "priority: high": "Set by maintainers only",
}
DEMO_TYPES: dict[str, str] = {
    "Bug": "An unexpected problem or behavior",
    "Feature": "A request, idea, or new functionality",
    "Task": "A specific piece of work",
}
DEMO_AUTOMATION = "cautious"  # one of `suggestions.LEVELS`
PROJECT_LABELS: dict[str, str] = {
    "type::bug": "Something is broken or behaves differently from the documentation",
    "type::feature": "A new feature or an improvement of an existing one",
    "type::question": "Somebody asks how to do something",
    "documentation": "The manual, the README or an example is wrong or missing",
    "performance": "Slow, or needs too much memory",
    "regression": "Worked in an earlier release",
    "area::login": "Signing in and out, sessions, single sign-on",
    "area::api": "The REST API and its clients",
    "area::ui": "Pages, buttons, layout, themes",
    "good first issue": "Good for newcomers",
    "needs-review": "A maintainer should have a look",
    "workflow::in review": "Set by maintainers only",
}
GROUP_LABELS: dict[str, str] = {
    "customer": "Reported by a customer",
    "priority::high": "Set by maintainers only",
    "priority::low": "Set by maintainers only",
}
