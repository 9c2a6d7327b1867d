"""Lines of 120 columns: where one is longer, the paragraph of comment or prose is filled anew from there on; lists of
generated code are broken at a comma.

A row of a table, a heading and what stands in a fence are left as they are, and so is what has no place to break.
"""
import re

WIDTH = 120
FULL = 90  # a line that is shorter was ended there by its writer
MARKS = {"#:?": ("py", "pyi", "rb", "rbs", "sh", "cmake", "yml"),
         "//[/!]?": ("c", "h", "cc", "go", "ts", "mjs", "cjs", "rs", "proto"),
         "--": ("sql",)}
BLOCKS = ("c", "h", "go", "ts", "mjs", "cjs")
ITEM = re.compile(r"[-*+#>|] +")
NUMBERED = re.compile(r"(?:[-*+#>|]|\d+\.) +")  # of Markdown
LABEL = re.compile(r"\S.{0,60}?  +(?=\S)")  # of a row: what goes on below stands under what is behind it
TAG = re.compile(r"@\w+ "  # of YARD; the others are of cala.h
                 r"|(?:request|result|errors|access|since|do|details): |code \w+\.\w+|\(\w*(?:, \w+)*\)$")


def kind_of(path):
    """By which rules a file is written: its suffix; sh or py for a program without one."""
    if path.name == "CMakeLists.txt":
        return "cmake"
    if path.suffix or path.name.startswith("."):
        return path.suffix.removeprefix(".")
    with path.open(encoding="utf-8") as file:
        return "py" if "python" in file.readline() else "sh"


def leads(line, kind):
    """What stands before the words of a line of comment or prose: before all of the paragraph, before its first words
    alone, and before those that go on below; None for code. kind: of the file, or "doc" for a line of a docstring."""
    if kind == "doc":
        lead = re.match(r'\s*(?:""")?', line)
    elif kind == "md":
        lead = re.match(r"\s*(?:> ?)*(?![|#<]|```|~~~|\[[^\]]+\]:)", line)
    else:
        marks = [mark for mark, kinds in MARKS.items() if kind in kinds] + [r"/?\*+(?!/)"] * (kind in BLOCKS)
        lead = marks and re.match(rf"\s*(?:{'|'.join(marks)})(?: +|$)", line)
    if not lead or line.startswith("#!"):
        return None
    words = line[lead.end():]
    head = NUMBERED.match(words) if kind == "md" else ITEM.match(words) or LABEL.match(words)
    head = head[0] if head else ""
    hang = "  " if kind != "md" and TAG.match(words) else " " * len(head)
    return lead[0], head, re.sub(r"/\*+", lambda block: " *".ljust(len(block[0])), lead[0].replace('"""', "")) + hang


def goes_on(line, below, kind):
    """Whether the line goes on with the words above it."""
    return leads(line, kind) == (below, "", below) and line.strip() not in ("", '"""', below.strip())


def pieces(text):
    """Its words, but for what must not be torn: `code`, the end of a comment, and what would begin an item of a
    list."""
    found = []
    for word in text.split():
        if found and (found[-1].count("`") % 2 or word in ("*/", '"""') or NUMBERED.fullmatch(word + " ")):
            found[-1] += " " + word
        else:
            found.append(word)
    return found


def filled(words, lead, below, width=WIDTH):
    """Lines of these words. No word is alone on the last one where a narrower paragraph has as many lines."""
    lines = [lead + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(below + word)
    if len(lines) > 1 and lines[-1] == below + words[-1] and width > FULL:
        narrower = filled(words, lead, below, width - 1)
        return narrower if len(narrower) == len(lines) and narrower[-1] != lines[-1] else lines
    return lines


def paragraph(lines, at, kind):
    """What takes the place of the line that is too long and those that go on with it, and how many that are."""
    found = leads(lines[at], kind)
    if not found or len(pieces(lines[at][len(found[0] + found[1]):])) < 2:
        return lines[at:at + 1], 1
    lead, below = found[0] + found[1], found[2]
    under = leads(lines[at + 1], kind) if found[1] and at + 1 < len(lines) else None
    if under and len(under[0]) > len(found[0]) and goes_on(lines[at + 1], under[0], kind):
        below = under[0]  # a list whose labels are not all as long as this one
    words, count = pieces(lines[at][len(lead):]), 1
    new = filled(words, lead, below)
    while at + count < len(lines) and not words[-1].endswith(("*/", '"""')):
        if not goes_on(lines[at + count], below, kind) or len(lines[at + count - 1]) < FULL <= len(new[-1]) + 30:
            break
        words = pieces(" ".join([*words, lines[at + count][len(below):]]))
        new, count = filled(words, lead, below), count + 1
    return new, count


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
            new, count = paragraph(lines, at, "doc" if in_doc else kind)
            lines[at:at + count] = new
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
