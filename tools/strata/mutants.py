"""Mutants of C source: one small change each, found in the tokens of function bodies.

The scanner knows as much C as mm/ uses: tokens, statements, and which of them is a declaration. Nothing is changed in
comments, strings, preprocessor lines and what stands outside of functions (types, tables, prototypes). What a build
does not contain or only prints is left alone as well: MM_ASSERT and lock_assert_held, static_assert, pr_*, and the
words of a report behind the condition of BUG_ON.
"""

import dataclasses
import hashlib
import re

TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:\\\n|[^\n])*)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<number>(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<op>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\.\.\.|[-+*/%&|^~!<>=?:;,.(){}\[\]])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

TYPE_WORDS = set(
    """const static unsigned signed struct enum union bool int long short char void u8 u16 u32 u64 s64 size_t
    ssize_t pfn_t paddr_t vaddr_t gfp_t pte_t pt_prot_t uintptr_t slab_flags_t volatile typedef extern inline
    DEFINE_PER_CPU DECLARE_PER_CPU""".split()
)
# Without a trace in the build under test, or words for a reader.
SKIPPED_CALLS = re.compile(r"^(?:MM_ASSERT|lock_assert_held|static_assert|pr_\w+|dump_\w+)$")
REPORTS = {"BUG": 0, "panic": 0, "BUG_ON": 1, "CHECK": 1}  # how many arguments are code; the others are words and values

COMPARISONS = {
    "<": ["<=", ">="],
    "<=": ["<", ">"],
    ">": [">=", "<="],
    ">=": [">", "<"],
    "==": ["!="],
    "!=": ["=="],
}
LOGIC = {"&&": "||", "||": "&&"}
BINARY = {"+": "-", "-": "+", "*": "/", "/": "*", "<<": ">>", ">>": "<<", "|": "&", "&": "|"}
ASSIGN = {"+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "<<=": ">>=", ">>=": "<<=", "*=": "/=", "/=": "*="}
STEP = {"++": "--", "--": "++"}
WORDS = {
    "min": "max",
    "max": "min",
    "ALIGN_UP": "ALIGN_DOWN",
    "ALIGN_DOWN": "ALIGN_UP",
    "PAGE_ALIGN_UP": "PAGE_ALIGN_DOWN",
    "PAGE_ALIGN_DOWN": "PAGE_ALIGN_UP",
    "true": "false",
    "false": "true",
    "list_add": "list_add_tail",
    "list_add_tail": "list_add",
}


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    start: int
    end: int


@dataclasses.dataclass
class Mutant:
    file: str
    function: str
    operator: str
    start: int
    end: int
    new: str
    line: int = 0
    before: str = ""  # the lines that change, on one line, with single spaces
    after: str = ""
    id: str = ""

    def apply(self, text):
        """The mutated text, with every line where it was: line numbers are part of the image."""
        newlines = text.count("\n", self.start, self.end) - self.new.count("\n")
        return text[: self.start] + self.new + "\n" * newlines + text[self.end :]


def tokens_of(text):
    tokens, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(f"no token of C at offset {at}: {text[at:at + 20]!r}")
        if match.lastgroup != "skip":
            tokens.append(Token(match.lastgroup, match[0], match.start(), match.end()))
        at = match.end()
    return tokens


def one_line(text):
    return " ".join(text.split())


class Scanner:
    """Walks the functions of one file and collects its mutants."""

    def __init__(self, file, text):
        self.file, self.text = file, text
        self.tokens = tokens_of(text)
        self.match = self.pairs()
        self.mutants = []
        self.function = ""
        self.returns = ""  # the kind of value that the function returns: bool, pointer, void, number

    def pairs(self):
        """Index of the closing bracket by that of the opening one, and back."""
        match, stack = {}, []
        for i, token in enumerate(self.tokens):
            if token.text in ("(", "[", "{"):
                stack.append(i)
            elif token.text in (")", "]", "}"):
                match[i] = stack.pop()
                match[match[i]] = i
        return match

    def at(self, i):
        return self.tokens[i].text if 0 <= i < len(self.tokens) else ""

    def kind(self, i):
        return self.tokens[i].kind if 0 <= i < len(self.tokens) else ""

    def add(self, operator, first, last, new):
        """Replaces the tokens first to last."""
        self.mutants.append(
            Mutant(self.file, self.function, operator, self.tokens[first].start, self.tokens[last].end, new)
        )

    def source(self, first, last):
        return self.text[self.tokens[first].start : self.tokens[last].end]

    # ---- functions ----

    def scan(self):
        i = declaration = 0
        while i < len(self.tokens):
            text = self.at(i)
            if text == "{" and self.at(i - 1) == ")":
                self.enter(declaration, i)
                self.block(i)
                i = declaration = self.match[i] + 1
            elif text in ("(", "[", "{"):
                i = self.match[i] + 1
            else:
                i += 1
                if text == ";":
                    declaration = i
        self.finish()
        return self.mutants

    def enter(self, start, brace):
        name = self.match[brace - 1] - 1
        head = [self.at(i) for i in range(start, name)]
        self.function = self.at(name)
        self.returns = "pointer" if "*" in head else next((w for w in ("bool", "void") if w in head), "number")

    def finish(self):
        """Lines, texts and names. A name does not depend on the line number, so that it outlives other edits."""
        seen = {}
        for mutant in self.mutants:
            first = self.text.rfind("\n", 0, mutant.start) + 1
            last = self.text.find("\n", mutant.end)
            changed = mutant.apply(self.text)
            tail = len(self.text) - last
            mutant.line = self.text.count("\n", 0, mutant.start) + 1
            mutant.before = one_line(self.text[first:last])
            mutant.after = one_line(changed[first : len(changed) - tail])
            key = "\0".join([self.file, self.function, mutant.before, mutant.after])
            seen[key] = seen.get(key, 0) + 1
            mutant.id = hashlib.sha256(f"{key}\0{seen[key]}".encode()).hexdigest()[:8]

    # ---- statements ----

    def block(self, brace):
        i, end = brace + 1, self.match[brace]
        while i < end:
            i = self.statement(i)

    def end_of(self, i):
        """The semicolon that ends the statement at i."""
        while self.at(i) != ";":
            i = self.match[i] + 1 if self.at(i) in ("(", "[", "{") else i + 1
        return i

    def statement(self, i):
        """Mutates the statement at i; returns the index behind it."""
        word = self.at(i)
        if word == "{":
            self.block(i)
            return self.match[i] + 1
        if word == ";":
            return i + 1
        if word in ("if", "while", "switch"):
            close = self.match[i + 1]
            if word != "switch":
                self.condition(i + 2, close - 1)
            self.expression(i + 2, close - 1)
            i = self.statement(close + 1)
            if word == "if" and self.at(i) == "else":
                i = self.statement(i + 1)
            return i
        if word == "for":
            return self.for_loop(i)
        if word == "do":
            i = self.statement(i + 1)  # at the `while`
            close = self.match[i + 1]
            self.condition(i + 2, close - 1)
            self.expression(i + 2, close - 1)
            return close + 2
        if word == "else":
            return self.statement(i + 1)
        if word in ("case", "default"):
            while self.at(i) != ":":
                i += 1
            return i + 1
        if self.kind(i) == "word" and self.at(i + 1) == ":":
            return i + 2
        return self.simple(i)

    def for_loop(self, i):
        """Its start, condition and step are expressions; what is in front of them may be a declaration."""
        close = self.match[i + 1]
        first = self.end_of(i + 2)
        second = self.end_of(first + 1)
        if self.is_declaration(i + 2):
            self.declaration(i + 2, first)
        elif first > i + 2:
            self.expression(i + 2, first - 1)
        if second > first + 1:
            self.condition(first + 1, second - 1)
            self.expression(first + 1, second - 1)
        if close > second + 1:
            self.expression(second + 1, close - 1)
        return self.statement(close + 1)

    def simple(self, i):
        """A declaration, a return, a jump, a loop by a macro, or an expression."""
        word = self.at(i)
        if self.kind(i) == "word" and word != "return" and self.at(i + 1) == "(":
            after = self.match[i + 1] + 1
            if self.at(after) == "{" or self.kind(after) == "word":  # list_for_each_entry (…) statement
                self.expression(i + 2, after - 2)
                return self.statement(after)
        end = self.end_of(i)
        if SKIPPED_CALLS.match(word):
            return end + 1
        if self.is_declaration(i):
            self.declaration(i, end)
            return end + 1
        if word == "return":
            if end > i + 1:
                self.return_value(i + 1, end - 1)
                self.expression(i + 1, end - 1)
            elif self.returns == "void":
                self.add("drop", i, end, "{}")
            return end + 1
        self.add("drop", i, end, "{}")
        if word in ("break", "continue", "goto"):
            return end + 1
        if word in REPORTS:
            comma = i + 2
            if not REPORTS[word]:
                return end + 1
            while self.at(comma) != ",":
                comma = self.match[comma] + 1 if self.at(comma) in ("(", "[", "{") else comma + 1
            self.condition(i + 2, comma - 1)
            self.expression(i + 2, comma - 1)
            return end + 1
        self.expression(i, end - 1)
        return end + 1

    def is_declaration(self, i):
        if self.at(i) in TYPE_WORDS:
            return True
        j = i + 1
        while self.at(j) == "*":
            j += 1
        return self.kind(i) == "word" and self.kind(j) == "word" and self.at(i) not in ("return", "goto")

    def declaration(self, i, end):
        """Only what stands behind an `=` is code."""
        depth_end = end
        start = None
        while i < depth_end:
            text = self.at(i)
            if text == "=" and start is None:
                start = i + 1
            elif text == "," and start is not None:
                self.expression(start, i - 1)
                start = None
            i = self.match[i] + 1 if text in ("(", "[", "{") else i + 1
        if start is not None:
            self.expression(start, end - 1)

    def return_value(self, first, last):
        value = self.source(first, last)
        if self.returns == "bool":
            if value not in ("true", "false") and not self.is_comparison(first, last):
                self.add("return", first, last, f"!({value})")
        elif self.returns == "pointer":
            if value != "NULL":
                self.add("return", first, last, "NULL")
        elif not (first == last and self.kind(first) == "number"):
            self.add("return", first, last, "0")

    def is_comparison(self, first, last):
        """Whether it is one comparison, whose own mutants contain its negation."""
        top, i = [], first
        while i <= last:
            top.append(self.at(i))
            i = self.match[i] + 1 if self.at(i) in ("(", "[", "{") else i + 1
        return sum(text in COMPARISONS for text in top) == 1 and not {"&&", "||", "?"} & set(top)

    def condition(self, first, last):
        single_not = self.at(first) == "!" and not {"&&", "||"} & {self.at(i) for i in range(first, last + 1)}
        if self.is_comparison(first, last) or single_not or (first == last and self.kind(first) == "number"):
            return
        self.add("negate", first, last, f"!({self.source(first, last)})")

    # ---- expressions ----

    def is_cast(self, close):
        """Whether the bracket pair that ends here is a cast: only words of types and stars."""
        inside = [self.at(i) for i in range(self.match[close] + 1, close)]
        return (
            bool(inside)
            and (inside[0] in TYPE_WORDS or inside[0].endswith("_t"))
            and all(text == "*" or re.match(r"[A-Za-z_]", text) for text in inside)
            and self.at(self.match[close] - 1) not in ("sizeof", "typeof", "offsetof")
        )

    def ends_operand(self, i):
        if self.at(i) == ")":
            return not self.is_cast(i)
        return self.kind(i) in ("word", "number", "string") and self.at(i) != "return" or self.at(i) in ("]", "++", "--")

    def expression(self, first, last):
        i = first
        while i <= last:
            if self.kind(i) == "word" and SKIPPED_CALLS.match(self.at(i)) and self.at(i + 1) == "(":
                i = self.match[i + 1]
            elif self.at(i) in ("sizeof", "typeof", "offsetof") and self.at(i + 1) == "(":
                i = self.match[i + 1]
            elif self.at(i) == "(" and self.is_cast(self.match[i]):
                i = self.match[i]
            else:
                self.token(i)
            i += 1

    def token(self, i):
        text, kind = self.at(i), self.kind(i)
        binary = self.ends_operand(i - 1)
        if kind == "number":
            self.constant(i)
        elif kind == "word":
            if text in WORDS:
                self.add("swap", i, i, WORDS[text])
        elif text in COMPARISONS:
            for new in COMPARISONS[text]:
                self.add("compare", i, i, new)
        elif text in LOGIC:
            self.add("logic", i, i, LOGIC[text])
        elif text in BINARY and binary:
            self.add("arithmetic", i, i, BINARY[text])
        elif text in ASSIGN:
            self.add("arithmetic", i, i, ASSIGN[text])
        elif text in STEP:
            self.add("step", i, i, STEP[text])
        elif text in ("!", "~", "-") and not binary:
            self.add("unary", i, i, "")

    def constant(self, i):
        match = re.match(r"(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)$", self.at(i))
        digits, suffix = match[1], match[2]
        value = int(digits, 0) if digits.lower().startswith("0x") or digits == "0" else int(digits, 10)
        form = "{:#x}" if digits.lower().startswith("0x") else "{}"
        self.add("constant", i, i, form.format(value + 1) + suffix)
        if value:
            self.add("constant", i, i, form.format(value - 1) + suffix)


def mutants_of(file, text):
    return Scanner(file, text).scan()
