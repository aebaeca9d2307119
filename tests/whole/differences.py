"""Scenarios that run on one host only, with the reason; all others run on both."""

from __future__ import annotations

HOSTS = ("github", "gitlab")

# The only host, and the reason → the scenarios.
DIFFERENCES = {
    (
        "github",
        "GitLab shows failed deliveries to a project's maintainers only; reconciliation finds it",
    ): (
        "test_a_failed_delivery_is_requested_again",
        "test_a_failed_delivery_of_a_command_is_requested_again",
    ),
    ("github", "GitLab's token is made by the operator; it cannot be replaced"): (
        "test_f048_a_token_that_expires_during_a_job_is_replaced",
        "test_a_new_token_that_github_does_not_accept_yet_is_retried",
        "test_a_repository_that_a_new_token_cannot_read_yet_is_retried",
    ),
    ("github", "GitLab answers 429 only, which is f056"): (
        "test_f050_a_secondary_limit_pauses_the_installation",
    ),
    ("github", "GitLab has no installations"): (
        "test_an_issue_that_the_installation_no_longer_covers_is_skipped",
        "test_f066_a_suspended_installation_is_skipped_and_answered_later",
        "test_an_installation_without_the_repository_is_skipped_without_a_record",
        "test_a_limit_on_creating_tokens_pauses_no_installation",
    ),
    ("github", "GitLab has no Apps"): ("test_a_refused_key_is_an_operator_error_without_a_retry",),
    ("github", "GitLab names the user of each note"): (
        "test_a_server_that_names_no_app_gets_no_second_comment",
    ),
    ("github", "GitLab has no discussions beside issues"): (
        "test_f071_an_issue_that_became_a_discussion_is_skipped",
    ),
    ("gitlab", "GitHub has no confidential issues"): (
        "test_f075_an_issue_that_turns_confidential_is_skipped",
        "test_f075_a_confidential_issue_with_an_ordinary_delivery_reaches_no_model",
    ),
    ("gitlab", "GitHub has issues only"): (
        "test_work_items_that_the_receiver_ignores_are_not_reconciled",
        "test_other_work_items_are_ignored_unless_the_operator_includes_them",
        "test_the_issue_as_it_is_read_decides_where_a_delivery_has_no_type",
    ),
    ("github", "GitLab's token has no signed time"): (
        "test_a_wrong_clock_does_not_prevent_authentication",
    ),
    ("gitlab", "GitHub signs without a time"): (
        "test_deliveries_signed_by_another_clock_are_refused_and_found",
    ),
    ("gitlab", "GitHub has no quick actions"): ("test_no_comment_contains_a_quick_action",),
    ("gitlab", "GitHub has no scoped labels"): (
        "test_a_person_s_scoped_label_is_never_replaced",
        "test_a_scoped_label_that_a_person_exchanges_was_not_rejected",
    ),
    ("gitlab", "GitLab's API splits names at commas, GitHub's does not"): (
        "test_a_label_with_a_comma_is_only_suggested",
    ),
    (
        "github",
        "GitLab's token reads what its user may; only an App is installed on some repositories",
    ): ("test_an_organisation_whose_file_may_not_be_read_has_none",),
    (
        "github",
        "GitLab has no types beside labels; its scoped labels are tested with both hosts' types",
    ): (
        "test_a_type_needs_one_request_more",
        "test_a_type_that_is_dropped_in_silence_is_suggested",
        "test_a_type_that_was_renamed_or_disabled_meanwhile_is_not_set",
        "test_a_repository_of_a_user_gets_labels",
        "test_a_refused_request_for_types_leaves_labels",
    ),
    ("github", "GitLab has no suggestions; there the comment lists them"): (
        "test_suggestions_need_two_requests_more",
        "test_at_each_level_what_is_sent_to_be_held_is_held",
        "test_a_maintainer_s_decision_stays",
        "test_a_preview_that_was_switched_off_leaves_the_list_in_the_comment",
        "test_a_suggestion_of_a_label_that_was_deleted_is_not_made",
        "test_a_refused_suggestion_is_in_the_comment",
        "test_where_suggestions_cannot_be_read_the_comment_lists_them",
        "test_a_refused_dismissal_leaves_the_suggestion",
        "test_the_next_twenty_issues_show_what_a_maintainer_accepted_and_dismissed",
        "test_a_look_at_an_issue_that_is_gone_or_settled_is_the_last_one",
        "test_what_was_dismissed_does_not_come_back_by_a_command",
        "test_a_suggestion_of_a_killed_worker_is_replaced_and_a_decision_on_it_counts",
        "test_a_worker_that_is_killed_while_it_records_decisions_loses_none",
    ),
    ("gitlab", "GitHub has no nested organisations"): ("test_the_nearest_group_s_file_is_used",),
}


def hosts_of(scenario: str) -> tuple[str, ...]:
    """Return the hosts on which a scenario runs."""
    for (host, _), scenarios in DIFFERENCES.items():
        if scenario in scenarios:
            return (host,)
    return HOSTS
