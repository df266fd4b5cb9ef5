// The pages behind this module's diagnostic ids; `plumb explain ID` prints them.

/// One page for each id, in alphabetical order.
public let yamlExplanations: [(id: String, text: String)] = [
  (
    "yaml-alias",
    """
    An alias (`*name`) stands for the value that an anchor (`&name`) marked before it. There is no such
    anchor, or the alias stands inside the anchor's own value, which would never end. Text that begins
    with `*` needs quotes.
    """
  ),
  (
    "yaml-alias-limit",
    """
    Aliases of values that hold aliases multiply: a few lines can stand for millions of values. A file
    may replace 1,000 aliases, counting those inside replaced values. Share values through `params`.
    """
  ),
  (
    "yaml-character",
    """
    YAML files hold printable text. Control characters, a byte order mark in the middle and a few other
    code points are refused; inside double quotes they can be written as escapes, such as "\\u001B".
    """
  ),
  (
    "yaml-depth",
    """
    Lists and mappings may nest 64 levels deep, counting what aliases stand for.
    """
  ),
  (
    "yaml-documents",
    """
    `---` begins a second document. One file holds one manifest: put the second into its own file.
    """
  ),
  (
    "yaml-duplicate-key",
    """
    A mapping has the same key twice. Some YAML readers silently take the last one; here it is an error,
    because one of the two values would be ignored.
    """
  ),
  (
    "yaml-empty", "The file is empty or holds only comments."
  ),
  (
    "yaml-encoding",
    """
    Files are UTF-8 without a byte order mark. The caret is under the first byte that is not valid.
    """
  ),
  (
    "yaml-key",
    """
    The key of a mapping is a list or a mapping. Only plain names can be keys. A common cause is text
    that begins with `{` or `[` and should be in quotes.
    """
  ),
  (
    "yaml-kind",
    """
    A value has another type than is needed here. YAML 1.2 decides by the way it is written: `5` is an
    integer, `5.0` a number, `true` a boolean, `no` and `2018-01-02` are text, and quotes make text of
    anything.
    """
  ),
  (
    "yaml-merge-key",
    """
    `<<` merges mappings in YAML 1.1 only. Write the members out, or share values through `params`.
    """
  ),
  (
    "yaml-syntax",
    """
    The text is not valid YAML. Frequent causes: members of one mapping in different columns, a missing
    space after a colon, an open bracket or quote, and, inside `{…}` or `[…]`, an expression with `[` or
    `,` that is not in quotes: write {bias: "score[*].metrics"}.
    """
  ),
  (
    "yaml-tab",
    """
    YAML forbids tabs in indentation, because their width differs from editor to editor. Replace them by
    spaces.
    """
  ),
  (
    "yaml-tag",
    """
    Tags such as `!!python/object` have no meaning in manifests. `!!str`, `!!int`, `!!float`, `!!bool`
    and `!!null` are understood where the value fits them.
    """
  ),
  (
    "yaml-too-large",
    """
    A YAML file may have 8 MiB. Data belongs into files of their own that a manifest refers to.
    """
  ),
]
