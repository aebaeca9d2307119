"""Recorded GitLab deliveries, and the Standard Webhooks library as oracle."""

from __future__ import annotations
