"""What a translation has to leave as it is: roles, formulas, literals, links, numbers."""

import re
from collections import Counter

ROLE = re.compile(r":([a-z:]+):`([^`]+)`")
LITERAL = re.compile(r"``(.+?)``(?!`)")
LINK = re.compile(r"`[^`]*?<([^`>]+)>`_{1,2}|`([^`<>]+)`_")
FOOTNOTE = re.compile(r"\[[#\w*]+\]_|\|[^|\s][^|]*\|")
STRONG = re.compile(r"\*\*[^*]+\*\*")
EMPHASIS = re.compile(r"\*[^*\s][^*]*\*")
NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\d.,]*\d|[\w-]*[A-Za-z])")  # not 2-D
WORDS = re.compile(r"\\(text|mathrm|textrm|operatorname)\{[^{}]*\}")
COMMAND = re.compile(r"\\[A-Za-z]+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def of_role(name, content):
    """Return what a role must keep: its target, or its formula without the words."""
    if name == "math":
        return f":math:`{WORDS.sub('', ' '.join(content.split()))}`"
    if name == "term":
        return ":term:"  # a term is found by its translation too
    target = re.fullmatch(r"(?s).*<(.+)>", content)
    return f":{name}:`{target[1] if target else content}`"


def kept(text):
    """Return how often each thing that has to be kept occurs in a message."""
    found = Counter()

    def take(pattern, name):
        nonlocal text
        found.update(name(match) for match in pattern.finditer(text))
        text = pattern.sub(" ", text)

    # Each pattern removes what it has found: the later ones are simpler.
    take(ROLE, lambda m: of_role(m[1], m[2]))
    take(LITERAL, lambda m: f"``{m[1]}``")
    take(LINK, lambda m: m[1] or m[2])
    take(FOOTNOTE, lambda m: m[0])
    if COMMAND.search(text):  # a displayed formula
        return found + Counter(COMMAND.findall(WORDS.sub("", text)))
    take(STRONG, lambda m: "**strong**")
    take(EMPHASIS, lambda m: "*emphasis*")
    return found


def numbers(text):
    """Return the numbers among the words of a message."""
    if "illion" in text:  # 62 million are 6200 times ten thousand
        return set()
    for pattern in (ROLE, LITERAL, LINK, FOOTNOTE):
        text = pattern.sub(" ", text)
    return {found.replace(",", "") for found in NUMBER.findall(text)}


def has_words(text):
    """Whether a message has words to be translated, so that it can't stay as it is."""
    for pattern in (ROLE, LITERAL, LINK, FOOTNOTE):
        text = pattern.sub(" ", text)
    return not COMMAND.search(text) and len(re.findall(r"\b[a-z]{3,}\b", text)) > 2


def is_formula(text):
    """Whether a message is a displayed formula without words, the same in every language."""
    found = COMMAND.search(text) and not WORDS.search(text) and "`" not in text
    return bool(found) and not re.search("[A-Za-z]{3}", COMMAND.sub("", text))


def faults(message, translation):
    """Return what is wrong with a translation, in words; an empty list if nothing is."""
    before, after = kept(message), kept(translation)
    found = [f"lacks {thing}" for thing in (before - after).elements()]
    found += [f"has {thing} too many" for thing in (after - before).elements()]
    found += [
        f"lacks the number {number}" for number in sorted(numbers(message) - numbers(translation))
    ]
    if has_words(message) and not CHINESE.search(translation):
        found.append("is not Chinese")
    return found
