"""`view RECORD... | SCENARIO`: arms side by side in the browser, on this machine only or as one file; or a run while it is computed."""

import sys
import webbrowser
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from lesionlab.analysis.records.record import damage_notes, in_one_order, load, refuse_twins
from lesionlab.analysis.records.written import write_text
from lesionlab.sim.cli._runs import add_threads
from lesionlab.sim.numerics.threads import hired
from lesionlab.sim.page.document import alone
from lesionlab.sim.page.live import Live
from lesionlab.sim.page.play import MOST_DAYS, make_play
from lesionlab.sim.page.server import Recorded, Server, Source
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.destination import is_record, writable
from lesionlab.sim.runs.job import quick
from lesionlab.sim.runs.machine import available_cores
from lesionlab.sim.scenario.load import load_scenario

HELP = "show arms side by side in the browser, on this machine or as one file"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("sources", nargs="+", type=Path, metavar="RECORD|SCENARIO",
                        help="records of runs (HDF5), those of one arm being its replicates; or one scenario, computed while it is watched")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", dest="settings",
                        help="with a scenario: another value of it; may be repeated")
    parser.add_argument("--quick", action="store_true", help="with a scenario: small sections, of about 5000 cells")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write X.html, one file that opens without a server or a network")
    parser.add_argument("--title", default="", help="title of the page (default: the scenario's)")
    parser.add_argument("--days", type=int, default=MOST_DAYS, metavar="N", help=f"pictures of a lesion at most (default {MOST_DAYS})")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port of the server (default: a free one)")
    parser.add_argument("--open", action="store_true", help="open the browser at the address")
    add_threads(parser)
    parser.add_argument("--force", action="store_true", help="replace what exists")


def execute(options: Namespace) -> int:
    """Write the page, or serve it until Ctrl-C; return 1 if a record is damaged, or a run that was watched failed.

    Raises:
        UserError: the output cannot be written, the port is taken.
        RecordError: a record cannot be read, or the records do not belong together.
    """
    if options.output is not None:
        writable(options.output, (".html",), options.force)
    if options.days < 2:
        raise UserError(f"--days {options.days}: at least two are needed")
    scenarios = [path for path in options.sources if not is_record(path)]
    if scenarios:
        return _watch(scenarios, options)
    if options.settings or options.quick:
        raise UserError("--set and --quick belong to a scenario; records are shown as they are")
    records = in_one_order([load(path) for path in options.sources])
    refuse_twins(records)
    for note in damage_notes(records):
        print(note, file=sys.stderr)
    play = make_play(records, most_days=options.days)
    if options.output is not None:
        write_text(options.output, alone(play, options.title))
        print(options.output)
    else:
        serve(Recorded(play, options.title), options)
    return 1 if damage_notes(records) else 0


def _watch(scenarios: Sequence[Path], options: Namespace) -> int:
    """Compute one scenario while it is watched, until Ctrl-C; return 1 if its run failed."""
    if len(options.sources) > 1:
        raise UserError(f"{scenarios[0]}: a run is watched alone; run scenarios first and show their records, or fork it on the page")
    if options.output is not None:
        raise UserError(f"{options.output}: a page is written from records; run {scenarios[0]} first")
    scenario = load_scenario(scenarios[0], options.settings)
    live = Live(quick(scenario) if options.quick else scenario, options.title)
    with hired(options.threads or available_cores()[0]):
        live.start()
        try:
            serve(live, options)
        finally:
            live.close()
    if live.failure:
        print(live.failure, file=sys.stderr)
    return 1 if live.failure else 0


def serve(source: Source, options: Namespace) -> None:
    """Serve a page until Ctrl-C; raises UserError where the port is taken."""
    try:
        server = Server(source, options.port)
    except (OSError, OverflowError) as error:
        raise UserError(f"--port {options.port}: {error}") from None
    with server:
        print(server.address, flush=True)
        print("open this address in a browser of this machine; Ctrl-C ends", file=sys.stderr, flush=True)
        if options.open:
            webbrowser.open(server.address)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            print("ended", file=sys.stderr)
