"""A title that names the last part of an area's label suggests the label."""

from __future__ import annotations

import time

import pytest

from bot.core.labels.areas import find_areas


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("kubectl get fails", "area/kubectl"),
        ("Get fails in Kubectl.", "area/kubectl"),
        ("pkg/kubectl: get fails", "area/kubectl"),
        ("[kubectl] get fails", "area/kubectl"),
        ("Login does nothing", "area::login"),
        ("Login does nothing", "Component: Login"),
        ("System.Net.Http drops a header", "area-System.Net.Http"),
        ("The api server is slow", "area/api-server"),
        ("The api-server is slow", "area/api server"),
        ("Rewrite it in C++", "lang/c++"),
        ("Dialog is empty in Qt", "GUI: Qt"),
        ("登录 fails", "area/登录"),
    ],
)
def test_a_title_names_an_area(title: str, label: str) -> None:
    assert [name for name, _ in find_areas(title, [label])] == [label]


@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("kubectls get fails", "area/kubectl"),
        ("my_kubectl fails", "area/kubectl"),
        ("socket.io fails", "area/io"),
        ("io.netty fails", "area/io"),
        ("Crash in System.Net.Http", "area-System.Net"),
        ("C++ only", "lang/c"),
        ("kubectl", "kubectl"),  # no area
        ("Crash", "kind/crash"),
        ("High load", "priority/high"),
        ("Blocked by a proxy", "status::blocked"),
        ("Bug in the list", "area/bug"),  # a type, whatever its family
        ("Question about files", "topic: question"),
        ("New file in the project", "area/new"),
        ("Support for other systems", "area/other"),
        ("", "area/kubectl"),
        ("area", "area/"),
    ],
)
def test_parts_of_words_other_families_and_common_words_name_no_area(
    title: str, label: str
) -> None:
    assert list(find_areas(title, [label])) == []


def test_the_word_in_the_title_is_the_reason() -> None:
    assert list(find_areas("Login: slow", ["area/db", "area/Login"])) == [("area/Login", "login")]


def test_five_hundred_labels_take_less_than_ten_milliseconds() -> None:
    names = [f"area/part-{number}" for number in range(500)]
    start = time.process_time()
    for _ in range(10):
        list(find_areas("A title of some words " * 10, names))
    assert time.process_time() - start < 0.1
