"""The documents of cala.h: what its comments say about requests, results and errors,
as data ("Notation of documents" there).

Gives abi/api.json, which the library also hands out (cala_api), docs/operations.md, the tables of docs/errors.md, the
rows of ABI.md, and, with what the scenarios of the tests ask for, docs/error-examples.md.
A comment that cannot be read is an error.

A type is one of
  {"kind": "object", "fields": [{"key", "type", "optional", "default"?, "doc"?}]}   {"kind": "map", "of": TYPE}
  {"kind": "list", "of": TYPE, "max"?}    {"kind": "union", "of": [TYPE]}    {"kind": "all", "of": [TYPE]}
  {"kind": "literal", "value": TEXT or null}    {"kind": "integer", "min"?, "max"?}    {"kind": "name", "name"}
where a name is a word for values (VALUES), a type of the document, or <operation>.request.
"""
import json
import pathlib
import re

VALUES = ("text", "uuid", "decimal", "date", "instant", "currency", "cel", "cursor", "boolean", "json")
PARTS = ("request", "result", "errors", "access", "since")
CODE = r"[a-z_]+\.[a-z_]+"
TOKEN = re.compile(r'\s+|--[ \t]*(?P<doc>[^\n]*)|(?P<string>"[^"]*")|(?P<range>\.\.)|(?P<number>-?\d+)'
                   r"|(?P<word>[a-z_][a-z0-9_]*(?:\.[a-z]+)?)|(?P<sign>[{}\[\]():;,|&?=*])")


class Unreadable(Exception):
    pass


class Reader:
    """Reads one type from text."""

    def __init__(self, text, where):
        self.where, self.tokens, self.docs = where, [], {}
        at, key = 0, None
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise Unreadable(f"{where}: cannot read {text[at:at + 30]!r}")
            at = found.end()
            if found["doc"] is not None:
                self.docs[key] = found["doc"].strip()
            elif found.lastgroup:
                if found["sign"] == ":":
                    key = len(self.tokens)
                self.tokens.append(found[found.lastgroup])
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, wanted=None):
        token = self.peek()
        if token is None or wanted not in (None, token):
            raise Unreadable(f"{self.where}: {wanted or 'more'} is wanted where {token!r} stands")
        self.at += 1
        return token

    def whole(self):
        of = self.union()
        if self.peek() is not None:
            raise Unreadable(f"{self.where}: {self.peek()!r} is too much")
        return of

    def several(self, sign, kind, one):
        of = [one()]
        while self.peek() == sign:
            self.take()
            of.append(one())
        return of[0] if len(of) == 1 else {"kind": kind, "of": of}

    def union(self):
        return self.several("|", "union", lambda: self.several("&", "all", self.one))

    def one(self):
        token = self.take()
        if token == "{":
            return self.object()
        if token == "[":
            out = {"kind": "list", "of": self.union()}
            if self.peek() == ";":
                self.take()
                out["max"] = int(self.take())
            self.take("]")
            return out
        if token == "(":
            out = self.union()
            self.take(")")
            return out
        if token.startswith('"'):
            return {"kind": "literal", "value": token[1:-1]}
        if token == "null":
            return {"kind": "literal", "value": None}
        if token == "integer":
            out = {"kind": "integer"}
            if re.fullmatch(r"-?\d+", self.peek() or ""):
                out["min"] = int(self.take())
                self.take("..")
                out["max"] = int(self.take())
                if out["max"] < out["min"]:
                    raise Unreadable(f"{self.where}: {out['max']} is less than {out['min']}")
            return out
        if re.match("[a-z]", token):
            return {"kind": "name", "name": token}
        raise Unreadable(f"{self.where}: {token!r} is no type")

    def object(self):
        fields = []
        if self.peek() == "*":
            self.take()
            self.take(":")
            out = {"kind": "map", "of": self.union()}
            self.take("}")
            return out
        while self.peek() != "}":
            if fields:
                self.take(",")
            field = {"key": self.take(), "type": None, "optional": self.peek() == "?"}
            if any(other["key"] == field["key"] for other in fields):
                raise Unreadable(f"{self.where}: {field['key']} stands there twice")
            if field["optional"]:
                self.take()
            doc = self.docs.get(self.at)
            self.take(":")
            field["type"] = self.union()
            if self.peek() == "=":
                self.take()
                field["default"] = json.loads(self.take())
            if doc:
                field["doc"] = doc
            fields.append(field)
        self.take("}")
        return {"kind": "object", "fields": fields}


def sentence(text):
    return " ".join(text.split())


def read_types(text):
    types = {}
    for comment in re.findall(r"/\* type (.*?) ?\*/", text, re.S):
        body = re.sub(r"^ \* ?", "", comment, flags=re.M)
        found = re.fullmatch(r'([a-z_]+): (.*\.)\s+((?:\{|"|integer).*)', body, re.S)
        if not found:
            raise Unreadable(f"type {body[:40]!r}: a name, a sentence and a type are wanted")
        types[found[1]] = {"doc": sentence(found[2]), "type": Reader(found[3], f"type {found[1]}").whole()}
    return types


def read_errors(text, where):
    """The codes of an errors: line by status, and the operation whose errors are meant as well."""
    plain = sentence(text)
    while re.search(r"\([^()]*\)", plain):
        plain = re.sub(r"\s*\([^()]*\)", "", plain)
    also, codes = None, {}
    for piece in filter(None, (piece.strip() for piece in plain.split(";"))):
        if piece.startswith("as "):
            also = piece[3:]
            continue
        status, _, listed = piece.partition(" ")
        for code in re.split(r",\s*", listed.strip()):
            if not re.fullmatch(CODE, code) or not re.fullmatch("CALA_[A-Z_]+", status):
                raise Unreadable(f"{where}: errors: cannot read {piece!r}")
            codes[code] = status
    return also, codes


def read_operation(function):
    name = function.name.removeprefix("cala_")
    parts, at = {"doc": []}, "doc"
    for line in function.comment.split("\n"):
        found = re.match(f"({'|'.join(PARTS)}): (.*)", line)
        if found:
            at, line = found[1], found[2]
            if at in parts:
                raise Unreadable(f"{name}: {at}: stands there twice")
        parts.setdefault(at, []).append(line)
    text = {part: "\n".join(lines) for part, lines in parts.items()}
    for part in ("request", "result", "access"):
        if part not in text:
            raise Unreadable(f"{name}: {part}: is missing")
    if text["access"] not in ("read", "write"):
        raise Unreadable(f"{name}: access: is read or write")
    if not re.fullmatch(r"\d+\.\d+", text.get("since", "1.0")):
        raise Unreadable(f"{name}: since: is a version, 1.0")
    also, codes = read_errors(text.get("errors", ""), name)
    return name, also, codes, {
        "since": text.get("since", "1.0"), "access": text["access"], "doc": sentence(text["doc"]),
        "request": Reader(text["request"], f"{name}, request").whole(),
        "result": Reader(text["result"], f"{name}, result").whole()}


def read_codes(text):
    """The list "Codes of errors", {code: what is said of it}, in its order."""
    codes, section = {}, None
    for kind, comment in re.findall(r"/\* (codes:|code) ((?:(?!\*/).)*?) ?\*/", text, re.S):
        if kind == "codes:":
            section = comment
            continue
        body = re.sub(r"^ \* ?", "", comment, flags=re.M)
        head, _, rest = body.partition(": ")
        words = [word.strip() for word in head.split(",")]
        names = [word for word in words if re.fullmatch(CODE, word)]
        status = [word for word in words if re.fullmatch("CALA_[A-Z_]+", word)]
        retryable = [word for word in words if word in ("retryable", "sometimes retryable")]
        strange = set(words) - {*names, *status, *retryable, "any"}
        if section is None or not names or len(status) != 1 or strange or len(retryable) > 1:
            raise Unreadable(f"code {head!r}: names, a status, perhaps any, perhaps retryable are wanted, in a section")
        said = {"means": []}
        for line in rest.split("\n"):
            found = re.match("(do|details): (.*)", line)
            part, line = found.groups() if found else (list(said)[-1], line)
            said.setdefault(part, []).append(line)
        code = {"status": status[0], "section": section, "any": "any" in words,
                "retryable": {"retryable": "yes", "sometimes retryable": "sometimes"}.get("".join(retryable), "no"),
                "means": sentence(" ".join(said["means"])), "advice": sentence(" ".join(said.get("do", []))),
                "details": Reader("\n".join(said.get("details", ["{}"])), f"code {head}").whole()}
        for name in names:
            if name in codes:
                raise Unreadable(f"code {name} stands there twice")
            codes[name] = dict(code)
    return codes


def check_names(of, known, where):
    if isinstance(of, dict):
        if of.get("kind") == "name" and of["name"] not in known:
            raise Unreadable(f"{where}: there is no type {of['name']}")
        for value in of.values():
            check_names(value, known, where)
    elif isinstance(of, list):
        for value in of:
            check_names(value, known, where)


def may_be(value, of, types):
    """Whether a default can be a value of the type."""
    if of["kind"] == "name":
        if of["name"] in types:
            return may_be(value, types[of["name"]]["type"], types)
        return isinstance(value, bool if of["name"] == "boolean" else str)
    if of["kind"] == "union":
        return any(may_be(value, one, types) for one in of["of"])
    if of["kind"] == "integer":
        return type(value) is int and of.get("min", value) <= value <= of.get("max", value)
    return of["kind"] == "literal" and value == of["value"]


def check_defaults(of, types, where):
    if isinstance(of, dict):
        if "default" in of and not (of["optional"] and may_be(of["default"], of["type"], types)):
            raise Unreadable(f"{where}: {of['key']} cannot be {json.dumps(of['default'])} where it is left out")
        for value in of.values():
            check_defaults(value, types, where)
    elif isinstance(of, list):
        for value in of:
            check_defaults(value, types, where)


def read_documents(header):
    text = header.path.read_text(encoding="utf-8")
    codes, types, operations, errors = read_codes(text), read_types(text), {}, {}
    for function in header.operations:
        name, also, own, operation = read_operation(function)
        errors[name] = {**(errors[also] if also else {}), **own}
        for code, status in errors[name].items():
            if code not in codes:
                raise Unreadable(f'{name}: {code} is not in the list "Codes of errors" at the end of cala.h, from '
                                 f'which docs/errors.md is made: '
                                 f"add /* code {code}, {status}: WHAT IT MEANS, do: and details: */ there")
            if codes[code]["status"] != status:
                raise Unreadable(f"{name}: {code} is {codes[code]['status']} in the list of codes, {status} here")
        operation["errors"] = list(errors[name])
        operations[name] = operation
    known = {*VALUES, *types, *(f"{name}.request" for name in operations)}
    for name, of in {**types, **operations, **codes}.items():
        check_names(of, known, name)
        check_defaults(of, types, name)
    for name, code in codes.items():
        if code["status"] not in header.constants:
            raise Unreadable(f"code {name}: cala.h has no status {code['status']}")
    version = ".".join(re.findall(r"#define CALA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))
    return {"version": version, "types": types, "operations": operations, "codes": codes,
            "functions": [function.name for function in header.functions]}


def notation(of):
    """A type as cala.h writes it, on one line."""
    kind = of["kind"]
    if kind == "object":
        return "{" + ", ".join(
            f"{field['key']}{'?' if field['optional'] else ''}: {notation(field['type'])}"
            + (f" = {json.dumps(field['default'])}" if "default" in field else "") for field in of["fields"]) + "}"
    if kind == "map":
        return "{*: " + notation(of["of"]) + "}"
    if kind == "list":
        return f"[{notation(of['of'])}{'; ' + str(of['max']) if 'max' in of else ''}]"
    if kind == "union":
        return " | ".join(notation(one) for one in of["of"])
    if kind == "all":
        return " & ".join(f"({notation(one)})" if one["kind"] == "union" else notation(one) for one in of["of"])
    if kind == "literal":
        return json.dumps(of["value"])
    if kind == "integer":
        return "integer" + (f" {of['min']}..{of['max']}" if "min" in of else "")
    return of["name"]


def wide_notation(of):
    """As notation, on several lines where one would be long."""
    text = notation(of)
    if len(text) <= 110 or of["kind"] not in ("object", "all"):
        return f"({text})" if of["kind"] == "union" else text
    if of["kind"] == "all":
        return " & ".join(map(wide_notation, of["of"]))
    lines = [f"  {field['key']}{'?' if field['optional'] else ''}: {notation(field['type'])}"
             + (f" = {json.dumps(field['default'])}" if "default" in field else "") for field in of["fields"]]
    return "{\n" + ",\n".join(lines) + "\n}"


def code_block(of):
    return f"```\n{notation(of) if len(notation(of)) <= 110 else wide_notation(of)}\n```\n"


def links(documents, of):
    """Where the types that a request or result mentions are explained."""
    found = dict.fromkeys(re.findall(r"[a-z_]+(?:\.request)?", re.sub(r'"[^"]*"|[a-z_]+\??:', "", notation(of))))
    named = [name for name in found if name in documents["types"] or name.endswith(".request")]
    return "\n" + ", ".join(f"[{name}](#{name.removesuffix('.request')})" for name in named) + "\n" if named else ""


def page(documents):
    out = ["# The operations\n",
           "Made from `include/cala.h` by `tools/make_ffi`; the notation is explained at its top. `cala_api()` "
           "gives the same as JSON.",
           "Besides the errors named, any operation may give those that [errors.md](errors.md) marks with *any*.\n"]
    for name, operation in documents["operations"].items():
        out.append(f"## {name}\n\n{operation['doc']}\n")
        out.append(f"Since {operation['since']}; {'reads' if operation['access'] == 'read' else 'writes'}.\n")
        out.append("Request:\n\n" + code_block(operation["request"]) + links(documents, operation["request"]))
        out.append("Result:\n\n" + code_block(operation["result"]) + links(documents, operation["result"]))
        if operation["errors"]:
            out += ["Errors:\n", *(f"- `{code}`: {documents['codes'][code]['means']}" for code in operation["errors"]),
                    ""]
    out.append("# Their types\n")
    for name, of in documents["types"].items():
        out.append(f"## {name}\n\n{of['doc'][:1].upper()}{of['doc'][1:]}\n\n{code_block(of['type'])}")
        told = [field for field in of["type"].get("fields", []) if "doc" in field]
        out += [f"- `{field['key']}`: {field['doc']}" for field in told]
        out += [""] if told else []
    return "\n".join(out).rstrip("\n") + "\n"


def lines(documents):
    """The documents as JSON, a line for each type, operation, code and function."""
    def dumped(value):
        return json.dumps(value, separators=(",", ":"))

    def listed(value):
        if isinstance(value, dict):
            return "{\n" + ",\n".join(f"{dumped(key)}:{dumped(of)}" for key, of in value.items()) + "\n}"
        return "[\n" + ",\n".join(map(dumped, value)) + "\n]" if isinstance(value, list) else dumped(value)

    return "{" + ",\n".join(f"{dumped(key)}:{listed(value)}" for key, value in documents.items()) + "}\n"


def between(text, marks, made):
    """The text with what is made in the place of what stands between two marks."""
    first, last = marks
    if text.count(first) != 1 or text.count(last) != 1:
        raise Unreadable(f"{first} and {last} are wanted, once each")
    return text[:text.index(first) + len(first)] + made + text[text.index(last):]


def cell(text):
    return text.replace("|", "\\|")


def code_tables(documents):
    """The tables of docs/errors.md, one a section."""
    out, section = "", None
    for name, code in documents["codes"].items():
        if code["section"] != section:
            section = code["section"]
            out += f"\n## {section}\n\n| code | status | means | what to do | details |\n|---|---|---|---|---|\n"
        advice = re.sub(r"docs/(\w+\.md)", r"[\1](\1)", code["advice"])
        also = (", any" if code["any"] else "") + {"yes": ", retryable", "sometimes": ", sometimes retryable",
                                                   "no": ""}[code["retryable"]]
        details = f"`{notation(code['details'])}`" if code["details"].get("fields") != [] else ""
        out += "| " + " | ".join([f"`{name}`", code["status"].removeprefix("CALA_") + also, code["means"], advice,
                                  cell(details)]) + " |\n"
    return out + "\n"


def refusals(folder):
    """What the scenarios are refused: (code, title of the scenario, what was asked, what the answer must be)."""
    for path in sorted(folder.glob("*.txt")):
        title = asked = None
        for line in path.read_text(encoding="utf-8").replace("\n ", " ").splitlines():
            word, _, rest = re.sub(r"\$\{(\w+)\}", r"<\1>", line).partition(" ")
            if word == "scenario":
                title = rest
            elif word in ("do", "clock"):
                asked = re.sub(" +", " ", rest if word == "do" else line)
            elif word == "error" and title:
                code, _, expected = rest.partition(" ")
                yield code, title, asked, json.loads(re.sub(r": (<\w+>)", r': "\1"', expected) or "{}")


def example_page(documents, folder):
    """The shortest request, of those with the most details, that the scenarios have for each code."""
    examples = {}
    for code, title, asked, expected in refusals(folder):
        details = expected.get("details", {})
        order = (-len(details), len(asked))
        if code not in examples or order < examples[code][0]:
            examples[code] = order, title, asked, details
    out = ["# An example of each refusal\n",
           "<!-- made by tools/make_ffi from tests/scenarios -->\n",
           "What leads to the codes of [errors.md](errors.md). Each example is from a story that the tests tell the "
           "library and every wrapper (`tests/scenarios`), whose title says what it is about; `<alice>` stands for "
           "what the story has under that name. Below the request are the details of the answer that the test looks "
           "at. The [first errors](first-errors.md) are there as a program. A code without an example comes of "
           "something else than one request: a store that is away, a handle that is used wrongly, another session, "
           "or is told by another test.\n"]
    section = None
    for name, code in documents["codes"].items():
        if name not in examples:
            continue
        if code["section"] != section:
            section = code["section"]
            out.append(f"## {section}\n")
        _, title, asked, details = examples[name]
        answer = [json.dumps(details, ensure_ascii=False)] if details else []
        what = [f"**`{name}`**: {code['means']}. *{title}:*\n", "```text", asked, *answer, "```\n"]
        if code["advice"]:
            what.append(re.sub(r"docs/(\w+\.md)", r"[\1](\1)", f"What to do: {code['advice']}.\n"))
        out += what
    return "\n".join(out)


def promised_rows(documents, text):
    """The rows of ABI.md: what it says of a function stays, and one that it lacks
    is stable since its operation's version."""
    known = dict(re.findall(r"^\| `(cala_\w+)` \| (.*) \|$", text, re.M))
    since = {f"cala_{name}": operation["since"] for name, operation in documents["operations"].items()}
    now = ".".join(documents["version"].split(".")[:2])
    return "".join(f"| `{name}` | {known.get(name) or since.get(name, now) + ' | stable'} |\n"
                   for name in documents["functions"])


def outputs(header):
    root = header.path.resolve().parents[1]
    texts = {name: (root / name).read_text(encoding="utf-8") for name in ("docs/errors.md", "ABI.md")}
    try:
        documents = read_documents(header)
        errors = between(texts["docs/errors.md"], ("<!-- codes: made by tools/make_ffi from cala.h -->\n",
                                                   "<!-- end of codes -->\n"),
                         code_tables(documents))
        promise = between(texts["ABI.md"], ("| function | since | state |\n|---|---|---|\n",
                                            "\n## How it is checked\n"),
                          promised_rows(documents, texts["ABI.md"]))
    except Unreadable as error:
        raise SystemExit(str(error)) from error
    return {"abi/api.json": lines(documents), "docs/operations.md": page(documents),
            "docs/errors.md": errors, "ABI.md": promise,
            "docs/error-examples.md": example_page(documents, root / "tests/scenarios")}
