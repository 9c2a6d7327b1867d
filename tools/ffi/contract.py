"""What the generators of the wrappers' types share: the documents of cala.h (documents.py),
walked and put into words."""
import json
import re
import textwrap
from dataclasses import dataclass, replace
from typing import Any

from .documents import VALUES, Unreadable, read_documents


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


@dataclass(frozen=True)
class Field:
    """A key of a request or an answer."""
    key: str
    type: dict
    optional: bool
    default: Any = None
    doc: str = ""

    def told(self, spelled=json.dumps):
        """What there is to say of it beside its type; "" when nothing. spelled: how the language writes a value."""
        given = "" if self.default is None else f"Default {spelled(self.default)}."
        return " ".join(filter(None, [sentence(self.doc), limits(self.type), given]))


@dataclass(frozen=True)
class Shape:
    """The keys of an object, those of all its alternatives together; choices has those that exclude each other."""
    fields: tuple
    choices: tuple = ()

    @property
    def keys(self):
        return [field.key for field in self.fields]

    @property
    def clears(self):
        """Whether null in a key clears; elsewhere it is as good as left out."""
        return any(split_null(field.type)[1] for field in self.fields)

    def without(self, keys):
        return Shape(tuple(field for field in self.fields if field.key not in keys), self.choices)


def resolved(documents, of):
    """What a name stands for; a word for values stays."""
    while of["kind"] == "name" and of["name"] not in VALUES:
        request = of["name"].endswith(".request")
        name = of["name"].removesuffix(".request")
        of = documents["operations"][name]["request"] if request else documents["types"][name]["type"]
    return of


def shape(documents, of):
    """The Shape of a type that is an object, or of which each alternative is one; None of another."""
    of = resolved(documents, of)
    if of["kind"] == "object":
        return Shape(tuple(Field(field["key"], field["type"], field["optional"], field.get("default"),
                                 field.get("doc", ""))
                           for field in of["fields"]))
    parts = [shape(documents, part) for part in of["of"]] if of["kind"] in ("all", "union") else [None]
    if None in parts:
        return None
    fields = [field for part in parts for field in part.fields]
    if of["kind"] == "all":
        return Shape(tuple(fields), tuple(choice for part in parts for choice in part.choices))
    fields = {field.key: replace(field, optional=True) for field in fields}
    return Shape(tuple(fields.values()), (tuple(" and ".join(part.keys) for part in parts),))


def words(of):
    """The words of an enumeration; None of another type."""
    if of["kind"] != "union" or any(one["kind"] != "literal" or one["value"] is None for one in of["of"]):
        return None
    return [one["value"] for one in of["of"]]


def split_null(of):
    """(the type without null, whether null was one of it)"""
    null = {"kind": "literal", "value": None}
    if of["kind"] != "union" or null not in of["of"]:
        return of, False
    rest = [one for one in of["of"] if one != null]
    return rest[0] if len(rest) == 1 else {"kind": "union", "of": rest}, True


def errors_by_status(documents, operation):
    """{"NOT_FOUND": codes} of those that an operation declares."""
    found = {}
    for code in documents["operations"][operation]["errors"]:
        found.setdefault(documents["codes"][code]["status"].removeprefix("CALA_"), []).append(code)
    return found


def noun_and_verb(documents, operation):
    """account_set and add_members of account_set_add_members:
    the noun is a type of the contract, or what is created."""
    if operation == "tx_finish":  # of a prepared one
        return "prepared", "finish"
    nouns = {*documents["types"], *(name.removesuffix("_create") for name in documents["operations"]
                                    if name.endswith("_create"))}
    found = [noun for noun in nouns if operation.startswith(noun + "_")]
    noun = max(found, key=len) if found else operation.rpartition("_")[0]
    return noun, operation[len(noun) + 1:]


def lists(documents, operation):
    """Whether an operation answers with a page of a list."""
    result = documents["operations"][operation]["result"]
    return result["kind"] == "all" and {"kind": "name", "name": "page_end"} in result["of"]
