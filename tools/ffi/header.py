"""What cala.h declares, read for the generators of the raw bindings (tools/make_ffi).

The header keeps to a small C: opaque structs, scalar types, enums of constants, two callback types and functions.
Anything else is an error here, so that a binding never guesses.
"""
import pathlib
import re
from dataclasses import dataclass

HANDLES = ("cala_ledger", "cala_queue", "cala_tx", "cala_op", "cala_listener", "cala_error")
OPERATION = ["cala_ledger *", "cala_tx *", "const char *", "size_t", "cala_op **", "cala_error **"]


@dataclass
class Parameter:
    type: str  # "const char *": one space before the stars, none between them
    name: str


@dataclass
class Function:
    name: str
    result: str
    parameters: list
    comment: str  # the text of the comment above it, without its frame

    @property
    def is_operation(self):
        """Whether it makes an operation: all of those have the same parameters."""
        return [parameter.type for parameter in self.parameters] == OPERATION


@dataclass
class Header:
    path: pathlib.Path
    constants: dict  # name -> value, in order
    callbacks: list  # Function, of the typedefs that are pointers to functions
    functions: list  # Function

    @property
    def operations(self):
        return [function for function in self.functions if function.is_operation]


def normal_type(text):
    words = text.replace("*", " * ").split()
    stars = words.count("*")
    return " ".join(word for word in words if word != "*") + (" " + "*" * stars if stars else "")


def parse_parameters(text):
    if text.strip() == "void":
        return []
    parameters = []
    for piece in text.split(","):
        match = re.fullmatch(r"\s*(.*?)([a-z_0-9]+)\s*", piece, re.S)
        parameters.append(Parameter(normal_type(match.group(1)), match.group(2)))
    return parameters


def comment_text(frame):
    lines = [re.sub(r"^ \* ?", "", line) for line in frame.strip("\n").split("\n")]
    return "\n".join(lines).replace("/* ", "", 1).rsplit("*/", 1)[0].strip()


def read_header(path=None):
    path = path or pathlib.Path(__file__).resolve().parents[2] / "include" / "cala.h"
    text = pathlib.Path(path).read_text(encoding="utf-8")
    constants = {}
    for body in re.findall(r"^enum \{(.*?)^\};", text, re.S | re.M):
        for name, value in re.findall(r"(CALA_[A-Z_0-9]+) = (-?\d+)", body):
            constants[name] = int(value)
    comment = r"(?P<comment>/\*(?:(?!\*/).)*\*/)\s*"
    callbacks = [
        Function(found["name"], normal_type(found["result"]), parse_parameters(found["parameters"]),
                 comment_text(found["comment"]))
        for found in re.finditer(
            comment + r"(?:typedef void \(\*cala_function\)\(void\);\s*)?"
            r"typedef (?P<result>[a-z_ ]+)\(\*(?P<name>cala_[a-z_]+_fn)\)\((?P<parameters>[^)]*)\);", text, re.S)
    ]
    functions = []
    for found in re.finditer(
            "(?:" + comment + r")?CALA_API (?P<result>[a-z0-9_ ]+?[ "
                               "*]+)(?P<name>cala_[a-z0-9_]+)\((?P<parameters>[^)]*)\);", text, re.S):
        functions.append(Function(found["name"], normal_type(found["result"]), parse_parameters(found["parameters"]),
                                  comment_text(found["comment"] or "")))
    declared = len(re.findall(r"^CALA_API ", text, re.M))
    if len(functions) != declared:
        raise SystemExit(f"cala.h declares {declared} functions, {len(functions)} were understood")
    return Header(pathlib.Path(path), constants, callbacks, functions)
