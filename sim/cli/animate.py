"""`animate RECORD... -o X.gif|X.mp4`: arms side by side on one clock, with the treatment calendar."""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from lesionlab.analysis.animation.animate import animate, destination
from lesionlab.sim.record.destination import writable

HELP = "animate records side by side, with the treatment calendar"
SUFFIXES = (".gif", ".mp4")
LINE_EVERY_S = 30.0


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    parser.add_argument("records", nargs="+", type=Path, metavar="RECORD", help="records of runs (HDF5), one an arm")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE",
                        help="X.gif, always possible; X.mp4 needs ffmpeg, otherwise X.gif is written, with a message")
    parser.add_argument("--lesion", metavar="NAME", help="the lesion to show (default: the first target with low dose, else the first)")
    parser.add_argument("--fps", type=int, default=12, metavar="N", help="frames per second (default 12)")
    parser.add_argument("--frames", type=int, default=120, metavar="N", help="frames in all (default 120)")
    parser.add_argument("--slide", action="store_true", help="frames of 16:9, for a slide")
    parser.add_argument("--poster", action="store_true", help="a still beside it, as PNG, for where it does not play")
    parser.add_argument("--force", action="store_true", help="replace what exists")


def execute(options: Namespace) -> int:
    """Write the animation and print its path.

    Raises:
        UserError: the output has another ending, exists or has no folder.
        RecordError: a record cannot be read, has no snapshots, or does not have the lesion.
    """
    path = writable(destination(writable(options.output, SUFFIXES, options.force)), SUFFIXES, options.force)
    if path != options.output:
        print(f"no ffmpeg was found: writing {path} instead of {options.output}; pip install imageio-ffmpeg brings one", file=sys.stderr)
    poster = writable(path.with_suffix(".png"), (".png",), options.force) if options.poster else None
    with _progress() as tell:
        written = animate(options.records, path, tell, lesion=options.lesion, fps=options.fps, frames=options.frames,
                          is_forced=options.force, is_slide=options.slide, poster=poster)
    print(written)
    return 0


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows frames done on stderr: a bar on a terminal, a line every 30 s elsewhere."""
    if sys.stderr.isatty():
        with tqdm(unit="frame", file=sys.stderr, dynamic_ncols=True) as bar:
            def draw(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)
            yield draw
        return
    last_line = [time.monotonic()]

    def say(done: int, total: int) -> None:
        if time.monotonic() - last_line[0] >= LINE_EVERY_S:
            last_line[0] = time.monotonic()
            print(f"{done} of {total} frames", file=sys.stderr, flush=True)
    yield say
