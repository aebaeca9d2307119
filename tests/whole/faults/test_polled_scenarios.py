"""Scenarios of webhooks, run again through polling: the same functions with another `app`."""

from __future__ import annotations

import pytest

from tests.whole.faults.test_forge import (  # noqa: F401
    test_a_comment_that_is_refused_for_good_ends_the_job_without_an_error,
    test_labels_that_may_not_be_set_are_suggested,
    test_one_refused_label_prevents_neither_the_others_nor_the_comment,
)
from tests.whole.faults.test_refused_comments import (  # noqa: F401
    test_a_refusal_that_is_known_to_be_final_ends_the_job,
    test_a_refusal_that_is_not_known_to_be_final_is_retried,
)
from tests.whole.faults.test_state import (  # noqa: F401
    test_f077_a_label_that_is_deleted_during_a_job_is_not_created_again,
)
from tests.whole.test_budgets import (  # noqa: F401
    test_an_author_s_third_issue_within_the_hour_gets_labels_from_rules,
    test_an_issue_with_the_same_text_is_answered_from_the_cache,
)
from tests.whole.test_corrections import (  # noqa: F401
    test_a_label_that_a_maintainer_corrects_three_times_is_only_suggested,
    test_a_label_that_is_seldom_wrong_is_not_demoted,
    test_a_label_that_maintainers_set_themselves_is_applied_again,
    test_a_name_of_a_label_cannot_control_a_terminal,
)
from tests.whole.test_first_delivery import (  # noqa: F401
    test_an_opened_issue_gets_one_comment_and_its_labels,
    test_no_issue_text_and_no_secret_is_logged_or_kept_in_redis,
)
from tests.whole.test_gitlab_only import (  # noqa: F401
    test_a_label_with_a_comma_is_only_suggested,
    test_a_person_s_scoped_label_is_never_replaced,
    test_a_scoped_label_that_a_person_exchanges_was_not_rejected,
    test_no_comment_contains_a_quick_action,
)
from tests.whole.test_large_issues import (  # noqa: F401
    test_the_largest_issue_of_a_platform_is_answered,
)
from tests.whole.test_polling import (  # noqa: F401
    app,
    app_either_format,
    compared_at_once,
)

pytestmark = pytest.mark.slow
