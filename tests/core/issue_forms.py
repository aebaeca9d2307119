"""Issue forms and templates as repositories have them."""

from __future__ import annotations

from bot.core.report_port import TemplateFile

FOLDER = ".github/ISSUE_TEMPLATE"
BUG_FORM = TemplateFile(
    f"{FOLDER}/bug.yml",
    """\
name: Bug report
description: Something does not work
labels: [bug]
body:
  - type: markdown
    attributes: {value: "Thanks for taking the time!"}
  - type: textarea
    id: what
    attributes: {label: What happened?, placeholder: Tell us what you see}
    validations: {required: true}
  - type: input
    attributes: {label: Version, description: "`widget --version`", placeholder: "e.g. 4.2.1"}
    validations:
      required: true
  - type: textarea
    attributes:
      label: Steps to reproduce
      value: |
        1.
        2.
    validations: {required: true}
  - type: dropdown
    attributes: {label: Operating system, options: [Linux, None of them]}
    validations: {required: true}
  - type: input
    attributes: {label: Component}
    validations: {required: true}
  - type: textarea
    attributes: {label: Relevant log output, render: shell}
  - type: checkboxes
    attributes:
      label: Code of Conduct
      options:
        - {label: I agree, required: true}
""",
)
BUG_TEMPLATE = TemplateFile(
    f"{FOLDER}/bug_report.md",
    """\
---
name: Bug report
about: Create a report to help us improve
labels: bug
---

**Describe the bug**
A clear and concise description of what the bug is.

**To Reproduce**
Steps to reproduce the behavior:
1. Go to '...'
2. Click on '....'
3. See error

**Expected behavior**
A clear and concise description of what you expected to happen.

**Screenshots**
If applicable, add screenshots to help explain your problem.

**Desktop (please complete the following information):**
 - OS: [e.g. iOS]
 - Version [e.g. 22]

**Additional context**
Add any other context about the problem here.
""",
)
IDEA_TEMPLATE = TemplateFile(
    f"{FOLDER}/feature_request.md",
    """\
---
name: Feature request
labels: enhancement
---

**Is your feature request related to a problem?**
A description of the problem. Ex. I'm always frustrated when [...]

**Describe the solution you'd like**
A description of what you want to happen.

**Describe alternatives you've considered**
Any alternative solutions.
""",
)
GITLAB_TEMPLATE = TemplateFile(
    ".gitlab/issue_templates/Bug.md",
    """\
### Summary

(Summarize the bug encountered concisely)

### Steps to reproduce

<!-- How one can reproduce the issue - this is very important -->

### What is the expected correct behavior?

(What you should see instead)

### Relevant logs and/or screenshots

(Paste any relevant logs - use code blocks (```) to format console output)

### Possible fixes

(If you can, link to the line of code that might be responsible for the problem)

/label ~bug
""",
)
LEGACY_TEMPLATE = TemplateFile(
    "ISSUE_TEMPLATE.md",
    """\
<!-- Thanks for reporting! Please search for duplicates first. -->

## Description

## How to reproduce it

## Your environment

- Version:
- Python:

## Checklist

- [ ] I have searched
""",
)


def fill(*answers: str) -> str:
    """Return the body that GitHub makes of `BUG_FORM`; the answers to its first parts."""
    labels = ("What happened?", "Version", "Steps to reproduce", "Operating system", "Component")
    given = [*answers, *("_No response_" for _ in labels[len(answers) :])]
    sections = [f"### {label}\n\n{answer}" for label, answer in zip(labels, given, strict=True)]
    sections += ["### Relevant log output\n\n_No response_", "### Code of Conduct\n\n- [X] I agree"]
    return "\n\n".join(sections)
