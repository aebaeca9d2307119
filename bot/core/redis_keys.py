"""The name of every key in Redis.

Stored data outlives a version: a key may be added, but never renamed. Each comment gives the key's
type, as Redis names it, its contents, and when it expires. A span is a number of seconds since the
epoch, divided by the length that `store/redis.py` gives each hash (`queue/enqueue.py` for CLAIMS).
"""

from __future__ import annotations

NAMESPACE = "tagline"

# Dramatiq's own keys for Tagline's queue (dramatiq/brokers/redis/dispatch.lua).
QUEUE_NAME = "issues"
# list: ids of messages to run, oldest first; no expiry
QUEUE = f"{NAMESPACE}:{QUEUE_NAME}"
# hash: id → message, also of those that run; no expiry
QUEUE_MESSAGES = f"{QUEUE}.msgs"
# list: ids of messages to run at a later time; no expiry
DELAYED = f"{QUEUE}.DQ"
# hash: id → message, with its time in `options.eta`; no expiry
DELAYED_MESSAGES = f"{DELAYED}.msgs"
# zset: ids of dead letters by when they failed; each is removed after a week
DEAD = f"{QUEUE}.XQ"
# hash: id → message; each is removed after a week
DEAD_MESSAGES = f"{DEAD}.msgs"
# set: ids of messages that a worker process fetched and has not acknowledged; no expiry
FETCHED = f"{NAMESPACE}:__acks__.{{broker}}.{{queue}}"
# zset: worker processes by their last command; no expiry
HEARTBEATS = f"{NAMESPACE}:__heartbeats__"

# string: exists while a worker is paused; 30 seconds, renewed
PAUSED = f"{NAMESPACE}:paused"
# string: exists while the admin page pauses all workers; no expiry
PAUSE_ALL = f"{NAMESPACE}:pause-all"

# The receiver's keys.
# hash: delivery, or opening of an issue → job id, `#account` → its number of jobs; four hours
CLAIMS = f"{NAMESPACE}:claims:{{span}}"
# hash: repository and account → IssueRef of number 0, for reconciliation; no expiry
REPOSITORIES = f"{NAMESPACE}:places"

# The state of jobs, issues and repositories.
# hash: job id → JobRecord; nine days
JOBS = f"{NAMESPACE}:jobs:{{span}}"
# zset: ids of jobs by their last change, the newest 2,000; nine days after the last
RUNS = f"{NAMESPACE}:runs"
# zset: those of a repository, the newest 1,000; nine days after the last
REPOSITORY_RUNS = f"{NAMESPACE}:runs:{{repository}}"
# hash: issue → Record; 42 days
RECORDS = f"{NAMESPACE}:done:{{span}}"
# hash: issue → Writes, one JSON text per line, the newest up to 16 KiB; 42 days
JOURNAL = f"{NAMESPACE}:journal:{{span}}"
# zset: Corrections of a repository by their time, the newest 1,000; 400 days after the last
CORRECTIONS = f"{NAMESPACE}:corrections:{{repository}}"
# zset: RelatedVerdicts of a repository by their time, the newest 200; 400 days after the last
RELATED_VERDICTS = f"{NAMESPACE}:related:{{repository}}"
# hash: repository and a period of its corrections → 1 once its mode was limited; 400 days
REPORTED_LIMITS = f"{NAMESPACE}:limits"
# string: token of the worker that holds the lock of an issue, or of `polling`; 30 seconds, renewed
LOCK = f"{NAMESPACE}:lock:{{issue}}"
# hash: repository → its last readable tagline.yml; 360 days
CONFIGS = f"{NAMESPACE}:configs:{{span}}"
# hash: repository → digest of the configuration problems last reported; 360 days
REPORTED_PROBLEMS = f"{NAMESPACE}:told:{{span}}"
# hash: repository and digest of a prompt → CachedAnswer; nine days
CACHED_ANSWERS = f"{NAMESPACE}:twins:{{span}}"

# A repository's classifier.
# hash: `version` → digest of the model, `model` → it; 35 days after its training
MODEL = f"{NAMESPACE}:model:{{repository}}"
# hash: repository → TrainingState; 360 days
TRAINING_STATES = f"{NAMESPACE}:training:{{span}}"
# hash: `progress` → TrainingProgress, number → a page's hashed features and label names; two days
TRAINING_PROGRESS = f"{NAMESPACE}:examples:{{repository}}"

# Limits.
# hash: `all`, `limit` or repository → microdollars of that day, `80 …` → used so far; two days
SPENT = f"{NAMESPACE}:spent:{{day}}"
# hash: digest of an author → issues sent to a model in that hour; digest of a text → 1; two hours
AUTHORS = f"{NAMESPACE}:asked:{{hour}}"
# zset: reservations of an account's comments by their time; two hours after the last
RESERVATIONS = f"{NAMESPACE}:pace:{{account}}"
# string: exists while requests of the account are paused; as long as the forge requires
PAUSE = f"{NAMESPACE}:pace:silence:{{account}}"
# zset: an account's searches for older issues by their time; a minute after the last
SEARCHES = f"{NAMESPACE}:searches:{{account}}"
# string: exists while the account may not search; as long as the forge requires
SEARCH_PAUSE = f"{NAMESPACE}:searches:pause:{{account}}"

# hash: forge → lowest share left of its rate limits, and when that limit ends; two hours
RATES = f"{NAMESPACE}:rates"

# Issues that wait for a model.
# zset: IssueRef by when it is due; no expiry
SCHEDULED = f"{NAMESPACE}:waiting"
# zset: IssueRef by when it was suspended, while no model can be reached; no expiry
SUSPENDED = f"{NAMESPACE}:parked"
# string: exists after an issue was taken as a probe; one minute
PROBE = f"{NAMESPACE}:probe"

# Issues with suggestions that wait for a person.
# zset: IssueRef by when it is looked at next; removed at the latest when its record has expired
LOOKS = f"{NAMESPACE}:looks"

# Polling.
# hash: repository → Cursor; 42 days
POLL_CURSORS = f"{NAMESPACE}:polled:{{span}}"
# hash: issue → Snapshot, without text; 42 days
POLL_SNAPSHOTS = f"{NAMESPACE}:seen:{{span}}"

# Reconciliation.
# string: exists while one worker holds a lease; as long as the task requires
LEASE = f"{NAMESPACE}:lease:{{name}}"
# hash: issue or failed delivery → attempts on that day; two days
ATTEMPTS = f"{NAMESPACE}:swept:{{day}}"

# Repositories to which access has ended.
# hash: repository and account → when it was first out of reach, and its IssueRef; one day
DEPARTURES = f"{NAMESPACE}:departures"
# string: exists after repositories were forgotten, so that no process restores them; two hours
FORGOTTEN = f"{NAMESPACE}:forgotten"

# A provider's circuit breaker.
# string: exists while it is open; one day
BREAKER_OPEN = f"{NAMESPACE}:breaker:{{provider}}:open"
# string: failures in a row; five minutes after the last
BREAKER_FAILURES = f"{NAMESPACE}:breaker:{{provider}}:failures"
# string: exists after a probe; one minute
BREAKER_PROBE = f"{NAMESPACE}:breaker:{{provider}}:probe"
# string: calls that succeeded; no expiry
BREAKER_ANSWERS = f"{NAMESPACE}:breaker:{{provider}}:answers"

# hash: a name in `core/day_figures.py` → count of that day; 40 days
DAY_COUNTS = f"{NAMESPACE}:days:{{day}}"
# hash: JSON list of a metric's name and label values → count; no expiry
COUNTERS = f"{NAMESPACE}:counters"
