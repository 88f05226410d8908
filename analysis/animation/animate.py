"""Arms side by side on one clock: tissue with T cells, oxygen, the treatment strip and the diameters growing below.

GIF is written by Pillow and is always possible; MP4 needs an ffmpeg. The section is shown at its own scale, so that cells and T
cells stay visible. Its size in the patient is printed, and drawn as a calliper on one scale for all arms.
"""

import importlib.util
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lesionlab.analysis.animation.frames import Film, compose, film
from lesionlab.analysis.figures import calendar, style
from lesionlab.analysis.records.errors import RecordError
from lesionlab.analysis.records.record import Record, in_one_order, load, refuse_twins
from lesionlab.analysis.records.written import created

FRAMES_PER_SECOND, N_FRAMES = 12, 120
FIRST_HOLD_S, LAST_HOLD_S = 1.0, 3.0
MOST_PER_SECOND = {".gif": 50, ".mp4": 240}
"""GIF counts in hundredths of a second, and viewers slow down what lasts less than two of them."""
MOST_FRAMES = 10_000
SUFFIXES = tuple(MOST_PER_SECOND)
SLIDE, POSTER_SHARE = (9, 16), 0.35
"""Height to width of a slide; where on the clock a poster frame is taken: among the weeks of treatment."""
Progress = Callable[[int, int], None]


def ffmpeg() -> str | None:
    """Return the path of an ffmpeg: the system's, else the one of the package imageio-ffmpeg, else None."""
    found = shutil.which("ffmpeg")
    if found is None and importlib.util.find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    return found


def destination(output: Path) -> Path:
    """Return the file that will be written: the GIF beside it if an MP4 is asked for and there is no ffmpeg; raises RecordError."""
    if output.suffix.lower() not in SUFFIXES:
        raise RecordError(f"{output}: an animation ends in .gif or .mp4")
    return output.with_suffix(".gif") if output.suffix.lower() == ".mp4" and ffmpeg() is None else output


def animate(paths: Sequence[Path | str | Record], output: Path | str, on_progress: Progress | None = None, *, lesion: str | None = None,
            fps: int = FRAMES_PER_SECOND, frames: int = N_FRAMES, is_forced: bool = True, is_slide: bool = False,
            poster: Path | None = None) -> Path:
    """Write the animation of one lesion of records or their files (first replicate of each arm) and return the path that was written.

    The lesion is the first target with a course of low dose unless named. `on_progress(done, total)` counts frames. With `is_slide`
    frames are 16:9, filled up with paper. `poster` is a PNG of one frame, for slides that do not play.

    Raises:
        RecordError: no or too many arms, no snapshots, an unknown lesion, an output that is neither .gif nor .mp4, a rate that it cannot
            have, or, unless `is_forced`, something is there already.
    """
    target = destination(Path(output))
    if fps < 1 or not 2 <= frames <= MOST_FRAMES:
        raise RecordError(f"an animation needs at least 1 frame per second and 2 to {MOST_FRAMES} frames; got {fps} and {frames}")
    suffix = target.suffix.lower()
    if fps > MOST_PER_SECOND[suffix]:
        exact = ", and 100 / N exactly: 50, 33.3, 25, 20 ..." if suffix == ".gif" else ""
        raise RecordError(f"{target}: a {suffix[1:].upper()} shows at most {MOST_PER_SECOND[suffix]} frames per second{exact}; got {fps}")
    records = in_one_order([path if isinstance(path, Record) else load(path) for path in paths])
    if not records:
        raise RecordError("there is no record to animate")
    refuse_twins(records)
    reel = film(records, lesion or default_lesion(records), frames)
    if poster is not None:
        with created(poster, is_forced) as unfinished:
            _picture(_framed(compose(reel, round(POSTER_SHARE * (frames - 1))), is_slide), reel).save(unfinished, format="PNG")
    drawn = (_framed(frame, is_slide) for frame in _counted(reel, on_progress))
    write = _write_mp4 if target.suffix.lower() == ".mp4" else _write_gif
    # An existing file stays until the new one is complete.
    with created(target, is_forced) as unfinished:
        write(drawn, reel, unfinished, fps)
    return target


def _framed(frame: NDArray[np.uint8], is_slide: bool) -> NDArray[np.uint8]:
    """Return a frame as it is, or in the middle of the smallest slide that holds it; edges are even, as video needs them."""
    if not is_slide:
        return frame
    tall, broad = SLIDE
    unit = 2 * -(-max(-(-frame.shape[0] // tall), -(-frame.shape[1] // broad)) // 2)
    top, left = (unit * tall - frame.shape[0]) // 2, (unit * broad - frame.shape[1]) // 2
    slide = np.full((unit * tall, unit * broad), frame[0, 0], dtype=np.uint8)
    slide[top:top + frame.shape[0], left:left + frame.shape[1]] = frame
    return slide


def _picture(frame: NDArray[np.uint8], reel: Film) -> Image.Image:
    picture = Image.fromarray(frame, mode="P")
    picture.putpalette(reel.stage.palette.colours.tobytes())
    return picture


def default_lesion(records: Sequence[Record]) -> str:
    """Return the first target lesion that gets low dose in any arm, else the first lesion."""
    low = {line.lesion for line in calendar.tracks(records) if line.is_low_dose}
    first = records[0]
    targets = [lesion for lesion, role in zip(first.lesions, first.roles, strict=True) if role == "target" and lesion in low]
    return (targets or list(first.lesions))[0]


def _counted(reel: Film, on_progress: Progress | None) -> Iterator[NDArray[np.uint8]]:
    for index in range(len(reel.days)):
        yield compose(reel, index)
        if on_progress is not None:
            on_progress(index + 1, len(reel.days))


def _write_gif(drawn: Iterator[NDArray[np.uint8]], reel: Film, path: Path, fps: int) -> None:
    """Write frames as they are: one palette for all, no dithering, unchanged pixels left out, longer pauses on the first and last frame."""
    stream = (_picture(frame, reel) for frame in drawn)
    # A GIF counts in hundredths of a second.
    step_ms = 10 * round(100 / fps)
    holds = [round(1000 * FIRST_HOLD_S), *[step_ms] * (len(reel.days) - 2), round(1000 * LAST_HOLD_S)]
    next(stream).save(path, format="GIF", save_all=True, append_images=stream, duration=holds, loop=0, disposal=1,
                      optimize=True, comment=style.DISCLAIMER.encode())


def _write_mp4(drawn: Iterator[NDArray[np.uint8]], reel: Film, path: Path, fps: int) -> None:
    """Pipe frames into ffmpeg; raises RecordError with its last line if it fails."""
    colours = reel.stage.palette.colours
    first = next(drawn)
    height, width = first.shape
    command = [str(ffmpeg()), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
               "-r", str(fps), "-i", "-", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "20", "-movflags", "+faststart",
               "-metadata", f"comment={style.DISCLAIMER}", "-f", "mp4", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            for number, frame in enumerate(chain((first,), drawn)):
                hold = FIRST_HOLD_S if number == 0 else LAST_HOLD_S if number == len(reel.days) - 1 else 0
                process.stdin.write(colours[frame].tobytes() * max(round(hold * fps), 1))
            process.stdin.close()
        except BrokenPipeError:
            pass
        message = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise RecordError(f"ffmpeg could not write the animation: {(message.splitlines() or ['no message'])[-1]}")


