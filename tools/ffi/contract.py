"""What the generators of the wrappers' types share: the documents of cala.h (documents.py), walked and put into words."""
import re
import textwrap

from .documents import Unreadable, read_documents


def read(header):
    """The contract, as abi/api.json has it."""
    try:
        return read_documents(header)
    except Unreadable as error:
        raise SystemExit(str(error)) from error


def pascal(name):
    """AccountCreateRequest for account_create.request."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[_.]", name))


def names_in(of):
    """The names that a type mentions itself, in order."""
    if of["kind"] == "name":
        return [of["name"]]
    if of["kind"] == "object":
        return [name for field in of["fields"] for name in names_in(field["type"])]
    inner = of.get("of", [])
    return [name for one in (inner if isinstance(inner, list) else [inner]) for name in names_in(one)]


def reached(documents, part):
    """The types of the contract that the requests (or results) of all operations lead to."""
    operations = documents["operations"].values()
    found, waiting = set(), [name for operation in operations for name in names_in(operation[part])]
    while waiting:
        name = waiting.pop()
        if name in documents["types"] and name not in found:
            found.add(name)
            waiting += names_in(documents["types"][name]["type"])
    return found


def sentence(text):
    """Words of cala.h as a sentence: How many."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ":")) else ".") if text else ""


def limits(of):
    """What a type says beyond its kind: 1 to 1000. At most 10000."""
    if of["kind"] == "integer" and "min" in of:
        return f"{of['min']} to {of['max']}."
    return f"At most {of['max']}." if of["kind"] == "list" and "max" in of else ""


def wrapped(text, width):
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def wrapper_codes(root, language):
    """The codes that a wrapper has besides the library's, {code: status}: the list in docs/errors.md."""
    text = (root / "docs/errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- `([a-z_.]+)`, ([A-Z_]+), ([A-Za-z, ]+)", text, re.M)
    return {code: f"CALA_{status}" for code, status, where in listed
            if where.strip() == "everywhere" or language in where}
