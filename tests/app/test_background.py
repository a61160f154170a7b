"""Jobs: a result once, an error where it is asked for, an end at any time."""

from threading import Event

import pytest

from app.background import Job
from app.progress import about
from argminn_core.errors import InputError


def ended(job):
    job.start()
    assert job.wait(30)
    return job


def test_a_job_does_nothing_before_it_is_started():
    calls = []
    job = Job(lambda progress: calls.append(1) or 7)
    assert not (job.running or job.done or job.cancelled or job.failed) and not calls
    assert ended(job).result == 7
    job.start()  # what is done stays
    assert job.result == 7 and calls == [1]


def test_progress_says_how_much_is_done_and_how_long_it_takes():
    told, go = Event(), Event()

    def work(progress):
        progress(1, 4)
        told.set()
        go.wait(30)
        return 1

    job = Job(work)
    assert job.share == 0 and job.seconds_left is None
    job.start()
    assert told.wait(30) and job.running
    assert job.share == 0.25 and job.seconds_left >= 0
    go.set()
    assert job.wait(30) and job.done


def test_a_cancelled_job_ends_at_once_and_can_be_started_again():
    told, go, results = Event(), Event(), iter([1, 2])

    def work(progress):
        mine = next(results)
        told.set()
        go.wait(30)
        progress(1, 2)
        return mine

    job = Job(work)
    job.start()
    assert told.wait(30)
    job.cancel()
    assert job.cancelled and not job.running and not job.done
    with pytest.raises(RuntimeError):
        job.result  # noqa: B018
    job.start()
    go.set()
    assert job.wait(30) and job.result == 2 and not job.cancelled


def test_an_error_of_the_user_is_raised_where_the_result_is_asked_for():
    def work(progress):
        raise InputError("no FASTA")

    job = ended(Job(work))
    assert job.problem.what == "no FASTA" and job.failed and not job.done
    with pytest.raises(InputError):
        job.result  # noqa: B018


def test_a_bug_is_no_message_and_stays_a_bug():
    job = ended(Job(lambda progress: 1 / 0))
    assert job.failed and job.problem is None
    with pytest.raises(ZeroDivisionError):
        job.result  # noqa: B018


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.1, "a few seconds"), (42.4, "about 40 s"), (200, "about 3 min"), (6e3, "about 1.7 h")],
)
def test_time_is_said_as_coarsely_as_it_is_known(seconds, words):
    assert about(seconds) == words
