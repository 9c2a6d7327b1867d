"""Lines of 120 columns: where one is longer, comments and prose are broken at a space,
lists of generated code at a comma.

What does not fit goes to the front of the next line where that goes on with the same words, else onto a line of its
own. A row of a table, a heading and what stands in a fence are left as they are, and so is what has no place to break.
"""
import re

WIDTH = 120
MARKS = {"#:?": ("py", "pyi", "rb", "rbs", "sh", "cmake", "yml"),
         "//[/!]?": ("c", "h", "cc", "go", "ts", "mjs", "cjs", "rs", "proto"),
         "--": ("sql",)}
BLOCKS = ("c", "h", "go", "ts", "mjs", "cjs")
ITEM = re.compile(r"(?:[-*+#>|]|\d+\.) +")


def kind_of(path):
    """By which rules a file is written: its suffix; sh or py for a program without one."""
    if path.name == "CMakeLists.txt":
        return "cmake"
    if path.suffix or path.name.startswith("."):
        return path.suffix.removeprefix(".")
    with path.open(encoding="utf-8") as file:
        return "py" if "python" in file.readline() else "sh"


def leads(line, kind):
    """What stands before the words of a line of comment or prose, and before those that go on below it;
    None for code."""
    if kind == "md":
        lead = re.match(r"\s*(?:> ?)*(?![|#<]|```|~~~|\[[^\]]+\]:)", line)
    else:
        marks = [mark for mark, kinds in MARKS.items() if kind in kinds] + [r"/?\*+(?!/)"] * (kind in BLOCKS)
        lead = marks and re.match(rf"\s*(?:{'|'.join(marks)})(?: +|$)", line)
    if not lead or line.startswith("#!"):
        return None
    words = line[lead.end():]
    item = ITEM.match(words)
    label = re.match(r"\S.{0,40}?  +(?=\S)", words) if kind != "md" else None
    hang = len((item or label)[0]) if item or label else 0
    below = re.sub(r"/\*+", lambda block: " *".ljust(len(block[0])), lead[0])
    return lead[0] + (item[0] if item else ""), below + " " * hang


def goes_on(line, below, kind):
    """Whether the line goes on with the words above it."""
    found = leads(line, kind)
    return found == (below, below) and line.strip() != below.strip()


def cut_of(line, start):
    """The last space at which the line can be broken, outside of `code`; 0 for none."""
    spaces = [at for at in range(start + 1, min(len(line), WIDTH + 1)) if line[at] == " " and line[at + 1:].strip()]
    return next((at for at in reversed(spaces)
                 if line.count("`", 0, at) % 2 == 0 and not ITEM.match(line[at + 1:] + " ") and line[at
                     + 1:] != "*/"), 0)


def folded(text, kind):
    lines = text.split("\n")
    fence = doc = string = False
    at = 0
    while at < len(lines):
        line = lines[at]
        if kind == "md" and re.match(r"\s*(```|~~~)", line):
            fence = not fence
        block = re.match(r"(\s*)/\*\* (.*) \*/$", line) if kind == "ts" else None
        if block and len(line) > WIDTH:
            lines[at:at + 1] = [f"{block[1]}/**", f"{block[1]} * {block[2]}", f"{block[1]} */"]
            continue
        in_doc = doc or kind in ("py", "pyi") and not string and line.lstrip().startswith('"""')
        if len(line) > WIDTH and not fence and not string:
            found = leads(line, kind)
            if in_doc:
                found = (re.match(r'\s*(?:""")?', line)[0], re.match(r"\s*", line)[0])
            cut = cut_of(line, len(found[0])) if found else 0
            if cut:
                lines[at], over = line[:cut].rstrip(), line[cut + 1:].lstrip()
                following = lines[at + 1] if at + 1 < len(lines) else ""
                if not in_doc and not line.endswith("*/") and goes_on(following, found[1], kind):
                    lines[at + 1] = f"{found[1]}{over} {following[len(found[1]):]}"
                else:
                    lines.insert(at + 1, found[1] + over)
        if kind in ("py", "pyi") and lines[at].count('"""') % 2:
            doc, string = (not doc, string) if in_doc else (doc, not string)
        at += 1
    return "\n".join(lines)


def place_in(line, depth):
    """Where a line of code that is too long is broken: behind the last comma in the outermost brackets that have one,
    and in the first of those, else before the last & or |; 0 for nowhere. depth: in how many brackets it begins."""
    commas, others, quoted = {}, [], False
    for at, sign in enumerate(line[:WIDTH]):
        quoted ^= sign == '"'
        if quoted:
            continue
        depth += (sign in "([{") - (sign in ")]}")
        if commas and depth < 1:
            break
        if line[at:at + 2] == ", " and depth > 0:
            commas[depth] = at + 1
        elif line[at:at + 3] in (" & ", " | "):
            others.append(at)
    return commas[min(commas)] if commas else others[-1] if others else 0


def listed(text, step):
    """Generated code within the columns: what goes on below is indented by a step more."""
    lines = []
    for line in text.split("\n"):
        indent, depth = re.match(r"\s*", line)[0] + step, 0
        while len(line) > WIDTH and not re.match(r"\s*(//|#|\*)", line):
            cut = place_in(line, depth)
            if cut <= len(indent):
                break
            lines.append(line[:cut])
            line, depth = indent + line[cut + 1:], int(line[cut - 1] == ",")
        lines.append(line)
    return "\n".join(lines)
