"""News leads, the same as `NewsLeads.swift` takes: paragraphs of at least 8 words, the first of
every article, then the second of every article, until there are enough."""

import json


def leads(path, count):
    """`count` pairs of a text and its article's label."""
    articles = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            body = row["text"].split("body: ", 1)[-1]
            paragraphs = [part for part in body.split("\n\n") if part.count(" ") >= 7]
            articles.append((paragraphs, row["label"]))
    found = []
    place = 0
    while len(found) < count:
        row = [(parts[place], label) for parts, label in articles if place < len(parts)]
        assert row, f"{path} has only {len(found)} paragraphs of 8 words"
        found += row
        place += 1
    return found[:count]
