"""`lesson LESSON.yaml -o lesson.html`: runs of a lesson, and one self-contained page for a class."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.analysis.records.written import write_text
from lesionlab.sim.cli._runs import list_failures, run_jobs
from lesionlab.sim.page.lesson import jobs_of, page_of, read_lesson
from lesionlab.sim.record.destination import writable
from lesionlab.sim.runs.job import is_done

HELP = "make a lesson: one page for a class, with text, questions and runs inside"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("lesson", type=Path, metavar="LESSON", help="a lesson file, or the name of one in scenarios/lessons")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="X.html, one file that opens without a network")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="folder of the runs; complete ones are used again (default: X_runs)")
    parser.add_argument("--engine", metavar="ENGINE", help="serial, local (default where it helps) or tcp://HOST:PORT (a Dask scheduler)")
    parser.add_argument("--workers", type=int, metavar="N", help="runs at a time on this machine (default: the cores it may use)")
    parser.add_argument("--force", action="store_true", help="replace what exists")


def execute(options: Namespace) -> int:
    """Compute what is missing and write the page; return 1 if a run failed.

    Raises:
        UserError: a mistake in the lesson, or a claim in it that its runs do not bear out; the output cannot be written.
    """
    writable(options.output, (".html",), options.force)
    lesson, scenarios, document, _ = read_lesson(options.lesson)
    jobs = jobs_of(lesson, scenarios, options.runs or options.output.with_name(f"{options.output.stem}_runs"))
    waiting = [job for job in jobs if not is_done(job)]
    if waiting:
        print(f"{len(waiting)} of {len(jobs)} runs to compute", file=sys.stderr, flush=True)
    if list_failures(run_jobs(waiting, options) if waiting else ()):
        return 1
    write_text(options.output, page_of(lesson, document, jobs))
    print(options.output)
    return 0
