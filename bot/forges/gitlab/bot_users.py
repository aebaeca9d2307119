"""Tells the users of GitLab that are programs from people, by their names."""

from __future__ import annotations

import re

# https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects
BOT_USER = re.compile(r"(?:project|group)_\d+_bot(?:_\w+)?|service_account_\w+")


def is_bot_user(username: str) -> bool:
    """Return whether a user is a bot of a project or group, or a service account."""
    return BOT_USER.fullmatch(username) is not None
