"""`view RECORD...`: arms side by side in the browser, served on this machine only, or written as one file."""

import sys
import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path

from lesionlab.analysis.records.record import damage_notes, in_one_order, load, refuse_twins
from lesionlab.analysis.records.written import write_text
from lesionlab.sim.page.document import alone
from lesionlab.sim.page.play import MOST_DAYS, make_play
from lesionlab.sim.page.server import Recorded, Server
from lesionlab.sim.parameters.errors import UserError
from lesionlab.sim.record.destination import writable

HELP = "show arms side by side in the browser, on this machine or as one file"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("records", nargs="+", type=Path, metavar="RECORD",
                        help="records of runs (HDF5); records of one arm are its replicates")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write X.html, one file that opens without a server or a network")
    parser.add_argument("--title", default="", help="title of the page (default: the scenario's)")
    parser.add_argument("--days", type=int, default=MOST_DAYS, metavar="N", help=f"pictures of a lesion at most (default {MOST_DAYS})")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port of the server (default: a free one)")
    parser.add_argument("--open", action="store_true", help="open the browser at the address")
    parser.add_argument("--force", action="store_true", help="replace what exists")


def execute(options: Namespace) -> int:
    """Write the page, or serve it until Ctrl-C; return 1 if a record is damaged.

    Raises:
        UserError: the output cannot be written, the port is taken.
        RecordError: a record cannot be read, or the records do not belong together.
    """
    if options.output is not None:
        writable(options.output, (".html",), options.force)
    if options.days < 2:
        raise UserError(f"--days {options.days}: at least two are needed")
    records = in_one_order([load(path) for path in options.records])
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


def serve(source: Recorded, options: Namespace) -> None:
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
