"""The rules of the house: budgets, names, layers. A file that breaks one is named, with the number."""

import ast
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from lesionlab.sim.schedule import SCHEDULE

ROOT = Path(__file__).resolve().parent.parent
DOOR = (ROOT / "lesionlab/__init__.py", *(ROOT / "lesionlab/api").glob("*.py"))
SOURCES = sorted([*(ROOT / "sim").rglob("*.py"), *(ROOT / "analysis").rglob("*.py"), *DOOR, ROOT / "run.py"])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PROCESSES = sorted(path for path in (ROOT / "sim/processes").glob("*.py") if path.name != "__init__.py")

FILE_LINES, FUNCTION_LINES, KERNEL_LINES, ARGUMENTS, NESTING, LINE = 350, 40, 60, 12, 4, 140
FORBIDDEN = re.compile(r"(^|_)(manager|handler|helper|helpers|utils|util|base)($|_)", re.IGNORECASE)
FORBIDDEN_CLASS = re.compile(r"(Manager|Handler|Helper|Utils|Util|Base)s?$")
AMERICAN = re.compile(r"\b(color|colors|center|normalize|tumor|tumors|behavior|gray)\b")

# Folders, and modules beside them, in the order in which they may import: each from its own row and the rows above it.
ORDER_OF_SIM = (
    ("numerics", "parameters"), ("state",), ("layouts",), ("measures",), ("processes",), ("treatment",),
    ("schedule", "hour", "initial_state", "t_cell_steps"), ("scenario",), ("agents", "simulation", "model", "batch"), ("record",),
    ("runs", "verification", "bench"), ("studies",), ("page",), ("cli",),
)
ORDER_OF_ANALYSIS = (("records",), ("clinical",), ("statistics",), ("comparison",), ("figures",), ("animation",), ("report",))
RECORD_AS_IT_IS = ("lesionlab.sim.record.schema", "lesionlab.sim.record.seal")
"""What `analysis` may import of `sim`: the names of a record's parts, and whether it is as it was written."""
MAY_IMPORT_ANALYSIS = {"studies", "page", "cli"}
OPTIONAL = {"optuna", "pyarrow", "xarray", "imageio_ffmpeg", "matplotlib", "solara", "mesa.visualization"}
"""Packages that a function may import for itself: not every installation has them, or how they load must be settled first."""
# Private words of the first version, with the field's words for them: forbidden in names, docstrings, comments and pages.
PRIVATE_NAMES = re.compile(r"(^|_)(luck|probes?|visitors?|ground|fight|walk_inputs|told|sought|wanted)($|_)", re.IGNORECASE)
PRIVATE_WORDS = {
    "random stream, common random numbers": r"luck|lucky",
    "weighted clonogen": r"probes?",
    "ghost contact": r"doubles?|visit(s|ed|ing|ors?)?",
    "weight-controlled or under-weighted section": r"(held|light) (sections?|population|or not)|held at n_min",
    "site flags": r"ground",
    "killing inputs, motion inputs": r"fights?|fighting|walk by",
    "reported, progress, parameter": r"told|sought|wanted",
    "no, none": r"nobody('s)?",
}
ORDINARY_WORDS = re.compile("|".join((
    r"no scan gives no visit", r"Why this visit is", r"a visit that read SD",                             # a visit to the clinic, RECIST
    r"doubles (in|every|towards|what)", r"targets double", r"double (precision|the memory)",             # twice as much
    r"by the sites visited", r"`visits(\.probe)?`",
)))
ORDINARY_NAMES = {"sim/record/seal.py": {"_probe", "_answer_probe", "PROBE_S", "PROBE_BYTES", "told", "wanted"}}
"""A process that reads a file on trial is a probe in the ordinary sense."""
GENERATED = {"docs/parameters.md", "docs/verification.md"}
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "scenarios").rglob("*.yaml")])
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[Path, ast.FunctionDef]]:
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, FUNCTIONS):
                yield path, node


def code_lines(path: Path, function: ast.FunctionDef) -> int:
    """Count a function's lines that hold code: no blank lines, no comments, no docstring."""
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    skipped = set(range(first.lineno, (first.end_lineno or 0) + 1)) if is_docstring else set()
    lines = path.read_text(encoding="utf-8").splitlines()
    within = (number for number in range(function.lineno, (function.end_lineno or 0) + 1) if number not in skipped)
    return sum(1 for number in within if not re.fullmatch(r"\s*(#.*)?", lines[number - 1]))


def is_kernel(function: ast.FunctionDef) -> bool:
    named = (decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in function.decorator_list)
    return any("kernel" in ast.unparse(name) for name in named)


def nesting(node: ast.AST, depth: int = 0) -> int:
    """Return the deepest nesting of blocks; `elif` is no deeper than its `if`, a nested function starts anew."""
    deepest = depth
    for field, below in ast.iter_fields(node):
        for child in below if isinstance(below, list) else [below]:
            if not isinstance(child, ast.AST) or isinstance(child, FUNCTIONS):
                continue
            is_elif = isinstance(node, ast.If) and field == "orelse" and isinstance(child, ast.If) and len(node.orelse) == 1
            deepest = max(deepest, nesting(child, depth + (isinstance(child, BLOCKS) and not is_elif)))
    return deepest


def module_of(path: Path) -> str:
    """Return the dotted name of a source file; a package is named after its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("lesionlab", *(part for part in parts if part not in ("lesionlab", "__init__"))))


MODULES = {module_of(path): path for path in SOURCES if path.name != "run.py"}


def imports(path: Path) -> Iterator[str]:
    """Return the dotted names that a file imports, wherever in the file: modules of ours by their own name, all else as written."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES or node.module not in MODULES else str(node.module) for name in names)


def place(module: str, order: tuple[tuple[str, ...], ...]) -> int:
    """Return the row of a module's folder, or of the module itself beside the folders; the package itself stands below all."""
    parts = module.split(".")
    return -1 if len(parts) < 3 else next(row for row, names in enumerate(order) if parts[2] in names)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import one another, directly or through others."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        found, waiting = set[str](), list(graph[start])
        while waiting:
            module = waiting.pop()
            if module not in found:
                found.add(module)
                waiting += graph.get(module, set())
        reached[start] = found
    in_one = (module for module in graph if module in reached[module])
    return [sorted(other for other in reached[module] if module in reached.get(other, set())) for module in in_one]


def test_no_file_is_longer_than_its_budget() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def test_no_line_is_longer_than_its_budget() -> None:
    found = [f"{name_of(path)}:{number}" for path in (*SOURCES, *TESTS)
             for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if len(line) > LINE]
    assert found == []


def test_no_function_is_longer_than_its_budget() -> None:
    over = {f"{name_of(path)}:{function.lineno} {function.name}": code_lines(path, function) for path, function in functions()
            if code_lines(path, function) > (KERNEL_LINES if is_kernel(function) else FUNCTION_LINES)}
    assert over == {}


def test_no_function_takes_more_arguments_than_its_budget() -> None:
    counted = {f"{name_of(path)}:{function.lineno} {function.name}":
               len(function.args.posonlyargs) + len(function.args.args) + len(function.args.kwonlyargs) for path, function in functions()}
    assert {name: count for name, count in counted.items() if count > ARGUMENTS} == {}


def test_no_function_is_nested_deeper_than_its_budget() -> None:
    depths = {f"{name_of(path)}:{function.lineno} {function.name}": nesting(function) for path, function in functions()}
    assert {name: depth for name, depth in depths.items() if depth > NESTING} == {}


def test_no_name_says_manager_helper_or_utils() -> None:
    found = []
    for path in SOURCES:
        names = [path.stem]
        names += [node.name for node in ast.walk(tree_of(path)) if isinstance(node, (*FUNCTIONS, ast.ClassDef))]
        names += [node.id for node in ast.walk(tree_of(path)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
        found += [f"{name_of(path)}: {name}" for name in names if FORBIDDEN.search(name) or FORBIDDEN_CLASS.search(name)]
    assert found == []


def test_comments_promise_nothing_and_names_are_british() -> None:
    found = []
    for path in SOURCES:
        with path.open("rb") as file:
            for token in tokenize.tokenize(file.readline):
                is_promise = token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", token.string)
                is_american = token.type == tokenize.COMMENT and AMERICAN.search(token.string)
                found += [f"{name_of(path)}:{token.start[0]}: {token.string}"] if is_promise or is_american else []
        names = [node.name for node in ast.walk(tree_of(path)) if isinstance(node, (*FUNCTIONS, ast.ClassDef))]
        found += [f"{name_of(path)}: {name}" for name in names if AMERICAN.search(name.replace("_", " "))]
    assert found == []


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Return every docstring, comment and loose string of a source file with its line; of any other file the whole text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield 1, text
        return
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    yield from ((token.start[0], token.string) for token in tokenize.generate_tokens(StringIO(text).readline)
                if token.type == tokenize.COMMENT)


def names_of(path: Path) -> Iterator[str]:
    """Return every name that a source file gives to something: modules, functions, classes, arguments, variables, fields."""
    yield path.stem
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def private_words(text: str) -> list[tuple[str, str]]:
    """Return each private word in a text with the field's word for it."""
    plain = ORDINARY_WORDS.sub("", " ".join(text.split()))
    return [(found.group(), instead) for instead, word in PRIVATE_WORDS.items()
            for found in re.finditer(rf"\b({word})\b", plain, re.IGNORECASE)]


def test_prose_uses_the_fields_words() -> None:
    found = [f"{name_of(path)}:{line}: '{word}', write: {instead}" for path in (*SOURCES, *TESTS, *PAGES)
             if name_of(path) not in GENERATED and path != Path(__file__)
             for line, text in prose_of(path) for word, instead in private_words(text)]
    assert found == []


def test_names_use_the_fields_words() -> None:
    found = [f"{name_of(path)}: {name}" for path in (*SOURCES, *TESTS) for name in names_of(path)
             if PRIVATE_NAMES.search(name) and name not in ORDINARY_NAMES.get(name_of(path), set())]
    assert found == []


def test_a_private_word_would_be_seen_and_an_ordinary_one_let_through() -> None:
    assert [word for word, _ in private_words("a held\n    section shares its luck with nobody's probe")] == [
        "luck", "probe", "held section", "nobody's"]
    assert private_words("the mass doubles in ten days; a doubling time; held against gravity") == []
    assert PRIVATE_NAMES.search("share_of_luck") and not PRIVATE_NAMES.search("background")


def is_series(node: ast.AST) -> bool:
    """Return whether a function is an output series, whose decorator states its unit and what it is."""
    return isinstance(node, FUNCTIONS) and any(re.match(r"of_(lesion|patient|drug)\(", ast.unparse(found)) for found in node.decorator_list)


def test_every_module_class_and_public_function_has_a_docstring() -> None:
    missing = [name_of(path) for path in SOURCES if path.name != "run.py" and not ast.get_docstring(tree_of(path))]
    for path in SOURCES:
        missing += [f"{name_of(path)}:{node.lineno} {node.name}" for node in tree_of(path).body
                    if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_") and not ast.get_docstring(node)
                    and not is_series(node)]
    assert missing == []


def test_no_error_is_swallowed_by_a_bare_except() -> None:
    bare = [f"{name_of(path)}:{node.lineno}" for path in SOURCES for node in ast.walk(tree_of(path))
            if isinstance(node, ast.ExceptHandler) and node.type is None]
    assert bare == []


def test_only_the_command_line_prints() -> None:
    printing = [f"{name_of(path)}:{node.lineno}" for path in SOURCES if "cli" not in path.parts for node in ast.walk(tree_of(path))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"]
    assert printing == []


@pytest.mark.parametrize(("part", "order"), [("sim", ORDER_OF_SIM), ("analysis", ORDER_OF_ANALYSIS)])
def test_imports_point_one_way(part: str, order: tuple[tuple[str, ...], ...]) -> None:
    root = f"lesionlab.{part}."
    found = [f"{module} imports {name}" for module, path in MODULES.items() if module.startswith(root) for name in imports(path)
             if name.startswith(root) and place(name, order) > place(module, order)]
    assert found == []


def test_every_folder_has_its_place_in_the_order() -> None:
    for part, order in (("sim", ORDER_OF_SIM), ("analysis", ORDER_OF_ANALYSIS)):
        here = {path.stem for path in (ROOT / part).iterdir() if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")}
        assert here - {"__init__"} <= {name for row in order for name in row}


def test_no_modules_import_one_another_in_a_circle() -> None:
    graph = {module: {name for name in imports(path) if name in MODULES and name != module} for module, path in MODULES.items()}
    assert circles(graph) == []


def test_a_circle_would_be_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]] * 3


def test_analysis_imports_of_sim_only_what_a_record_is() -> None:
    found = [f"{module}: {name}" for module, path in MODULES.items() if module.startswith("lesionlab.analysis")
             for name in imports(path) if name.startswith("lesionlab.sim") and not name.startswith(RECORD_AS_IT_IS)]
    assert found == []


def test_of_sim_only_studies_and_command_line_import_analysis() -> None:
    found = [f"{module}: {name}" for module, path in MODULES.items() if module.startswith("lesionlab.sim.")
             and module.split(".")[2] not in MAY_IMPORT_ANALYSIS for name in imports(path) if name.startswith("lesionlab.analysis")]
    assert found == []


def test_neither_model_nor_analysis_nor_command_line_imports_the_python_door() -> None:
    found = [f"{module}: {name}" for module, path in MODULES.items() if path not in DOOR for name in imports(path)
             if name == "lesionlab" or name.startswith("lesionlab.api")]
    assert found == []


def test_nothing_imports_a_folder_by_its_bare_name() -> None:
    """`sim` and `analysis` are folders: a user may have modules of these names, and a second copy must never be loaded."""
    found = [f"{name_of(path)}: {name}" for path in (*SOURCES, *TESTS) for name in imports(path)
             if name.split(".")[0] in ("sim", "analysis")]
    assert found == []


def test_functions_import_optional_packages_only() -> None:
    found = [f"{name_of(path)}:{node.lineno}" for path, function in functions() for node in ast.walk(function)
             if isinstance(node, ast.Import | ast.ImportFrom)
             and not f"{(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name) or ''}.".startswith(
                 tuple(f"{package}." for package in OPTIONAL))]
    assert found == []


def test_processes_never_import_one_another() -> None:
    found = [f"{name_of(path)}: {name}" for path in PROCESSES for name in imports(path) if name.startswith("lesionlab.sim.processes")]
    assert found == []


def test_mesa_is_imported_in_at_most_three_files() -> None:
    importing = [name_of(path) for path in SOURCES if any(name.split(".")[0] == "mesa" for name in imports(path))]
    assert len(importing) <= 3, importing


def test_no_kernel_draws_from_numpy() -> None:
    found = [f"{name_of(path)}:{function.lineno} {function.name}" for path, function in functions()
             if is_kernel(function) and re.search(r"\b(np|numpy)\.random\b", ast.unparse(function))]
    assert found == []


def test_each_row_of_the_schedule_is_one_process_file() -> None:
    assert sorted(row.name for row in SCHEDULE) == sorted(path.stem for path in PROCESSES)
    assert all(row.why for row in SCHEDULE)


def test_constraints_pin_every_version_and_name_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line)] == []


@pytest.mark.parametrize("path", [path for path in TESTS if path.name.startswith("test_")], ids=name_of)
def test_every_test_file_asserts_something(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "assert" in text or "raises" in text


def test_a_budget_breach_would_be_seen(tmp_path: Path) -> None:
    """The counters themselves: a deep, long function is counted as such."""
    source = "def f(a):\n    '''Doc.'''\n    # comment\n\n    if a:\n        for b in a:\n            while b:\n                b()\n"
    (tmp_path / "f.py").write_text(source)
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert (nesting(function), code_lines(tmp_path / "f.py", function)) == (3, 5)
    chain = ast.parse("def f(a):\n    if a:\n        a()\n    elif b:\n        b()\n    elif c:\n        c()\n").body[0]
    assert nesting(chain) == 1
