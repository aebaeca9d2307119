"""Every scenario runs on both hosts; what cannot is declared here, with its reason."""

from __future__ import annotations

HOSTS = ("github", "gitlab")

# A scenario, or a scenario[case] → the one host it is for, and why.
DIFFERENCES = {
    "test_an_expired_token_is_minted_again": (
        "github",
        "GitLab's token is made by the operator; nothing can be minted",
    ),
    "test_a_delivery_that_nobody_took_is_asked_for_again": (
        "github",
        "GitLab shows failed deliveries to a project's maintainers only; the sweep finds the issue",
    ),
    "test_f048_a_token_that_expires_in_mid_job_is_minted_again": (
        "github",
        "GitLab's token is made by the operator; nothing can be minted",
    ),
    "test_f050_a_secondary_limit_pauses_the_installation": (
        "github",
        "GitLab answers 429 only, which is f056",
    ),
    "test_f065_an_installation_that_was_removed_is_an_end": (
        "github",
        "GitLab has no installations",
    ),
    "test_f066_a_suspended_installation_is_left_alone_and_answered_later": (
        "github",
        "GitLab has no installations",
    ),
    "test_f067_a_repository_that_left_the_installation_is_left_alone": (
        "github",
        "GitLab's token reads what its user may",
    ),
    "test_an_installation_without_the_repository_is_skipped_and_remembers_nothing": (
        "github",
        "GitLab has no installations",
    ),
    "test_a_wrong_installation_does_not_undo_what_is_remembered_of_an_issue": (
        "github",
        "GitLab has no installations",
    ),
    "test_a_limit_on_minting_pauses_no_installation": ("github", "GitLab has no installations"),
    "test_a_token_that_github_does_not_know_everywhere_yet_is_tried_again": (
        "github",
        "GitLab's token is made by the operator; nothing can be minted",
    ),
    "test_a_repository_that_a_new_token_does_not_show_yet_is_tried_again": (
        "github",
        "GitLab's token is made by the operator; nothing can be minted",
    ),
    "test_a_key_that_is_refused_blames_the_operator_at_once": (
        "github",
        "GitLab has no Apps",
    ),
    "test_f071_an_issue_that_became_a_discussion_is_left_alone": (
        "github",
        "GitLab has no discussions beside issues",
    ),
    "test_f075_an_issue_that_turns_confidential_is_left_alone": (
        "gitlab",
        "GitHub has no confidential issues",
    ),
    "test_f075_a_confidential_issue_whose_delivery_did_not_say_so_reaches_no_model": (
        "gitlab",
        "GitHub has no confidential issues",
    ),
    "test_work_items_that_the_door_leaves_alone_are_not_swept_up": (
        "gitlab",
        "GitHub has issues only",
    ),
    "test_a_wrong_clock_does_not_keep_an_app_out": ("github", "GitLab's token has no signed time"),
    "test_deliveries_signed_by_another_clock_are_refused_and_found": (
        "gitlab",
        "GitHub signs without a time",
    ),
    "test_confidential_issues_reach_no_model_and_get_no_comment": (
        "gitlab",
        "GitHub has no confidential issues",
    ),
    "test_an_issue_that_turns_confidential_before_its_job_is_left_alone": (
        "gitlab",
        "GitHub has no confidential issues",
    ),
    "test_nothing_that_is_posted_is_a_quick_action": ("gitlab", "GitHub has no quick actions"),
    "test_a_person_s_scoped_label_is_never_replaced": ("gitlab", "GitHub has no scoped labels"),
    "test_one_scoped_label_per_key": ("gitlab", "GitHub has no scoped labels"),
    "test_a_label_with_a_comma_is_only_suggested": (
        "gitlab",
        "GitLab's API splits names at commas, GitHub's does not",
    ),
    "test_a_hook_of_the_project_and_of_its_group_make_one_comment": (
        "gitlab",
        "GitHub sends an App one delivery",
    ),
    "test_other_work_items_are_left_alone_unless_the_operator_wants_them": (
        "gitlab",
        "GitHub has issues only",
    ),
    "test_an_organisation_whose_file_may_not_be_read_has_none": (
        "github",
        "GitLab's token reads what its user may; only an App is installed on some repositories",
    ),
    "test_the_nearest_group_s_file_holds": ("gitlab", "GitHub has no nested organisations"),
    "test_the_plain_token_lets_in_where_no_signing_token_is_set": (
        "gitlab",
        "GitHub always signs",
    ),
}


def hosts_of(scenario: str) -> tuple[str, ...]:
    """The hosts on which a scenario runs."""
    only = DIFFERENCES.get(scenario)
    return (only[0],) if only else HOSTS
