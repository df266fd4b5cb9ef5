// The pages behind this module's diagnostics: `plumb explain ID`.

public let corporaExplanations: [(id: String, text: String)] = [
  (
    "file-unreadable",
    "A file that a stage needs could not be opened or read; the message has the system's reason."
  ),
  (
    "file-unwritable",
    "A file of an output could not be written; the usual reason is a full disk."
  ),
  (
    "file-too-large",
    "This format is read as a whole. Cut the file into several and give their folder."
  ),
  (
    "line-too-long",
    """
    A line of a JSONL file has more than 64 MiB. No document has that; the file is probably not one
    record a line (a JSON array, for example).
    """
  ),
  (
    "corpus-file-missing",
    "A corpus is a folder with documents.jsonl (one document a line) and corpus.json (counts)."
  ),
  (
    "corpus-line",
    """
    A line of documents.jsonl is an object with the texts 'id' and 'text' and, where known, 'label',
    'source', 'date', 'group' and the integer 'generation'. Nothing else may stand in it.
    """
  ),
  (
    "corpus-duplicate-id",
    "Ids are unique inside a corpus, so that scores can be matched with documents."
  ),
  (
    "corpus-facts",
    "corpus.json could not be understood; a corpus written by Plumb always has a readable one."
  ),
  (
    "import-empty",
    """
    Every row was skipped, or there is none. Usually a field has another name than the parameters
    say; the log lists the first rows with the reason.
    """
  ),
  (
    "import-idle-parameter",
    """
    Two parameters of import-corpus do not go together: one of them would be read and then ignored.
    'per_label' belongs to 'sampling: balanced', 'sampling: random' needs 'limit', 'title_field'
    needs 'body_field', 'except_sources' needs a corpus at 'except', and text files have no fields.
    """
  ),
  (
    "benchmark-topic",
    """
    'topics' of compose-benchmark is a list of 'name: keyword, keyword'. A keyword has one word or two, in
    any capitals, and may end in * for any ending. Names are different from each other and from 'other'.
    """
  ),
  (
    "benchmark-overlap",
    """
    compose-benchmark compares articles that the models learn with articles that none has seen. One that
    stands in both corpora, by its id or its text, would be called unseen and is not.
    """
  ),
  (
    "benchmark-empty",
    """
    No article of one of the corpora has a title, or a body as long as a block.
    """
  ),
  (
    "mix-too-few",
    """
    'mix_fraction' of mitigate holds the size of the mix at that of the newest written corpus and says
    which share of it is real. Real documents are drawn without repetition, so there must be enough.
    """
  ),
  (
    "import-condition",
    """
    'keep' of import-corpus lists conditions, each the name of a field, '=' and the value that it must
    have. Rows must satisfy all of them. The value is everything behind the first '='.
    """
  ),
  (
    "import-all-filtered",
    """
    No row has the values that 'keep' of import-corpus asks for, so there is nothing to import. Values
    are compared byte by byte, white space included: " Yes" is not "Yes".
    """
  ),
  (
    "import-all-excluded",
    """
    import-corpus leaves out every document whose id or text stands in the corpus at its input
    'except', so that what is tested was never learnt. Here nothing was left. Usually the other
    corpus holds the whole file: draw a part of it (sampling: balanced or random).
    """
  ),
  (
    "import-bad-rows",
    "More rows were bad than 'maximum_bad_rows' allows. The notes show the first ones."
  ),
  (
    "import-duplicate-id",
    """
    Two rows have the same id and 'duplicates' is 'refuse'. With 'rename' the later ones become
    id~2, id~3 and so on.
    """
  ),
  ("import-encoding", "Files are read as UTF-8. Convert others with iconv first."),
  (
    "import-mapping",
    """
    Each text of 'labels' renames one label: "From the Left=left". The last '=' divides. If any is
    given, rows with other labels are bad rows.
    """
  ),
  (
    "csv-header",
    "The first row of a CSV file names the columns; each once, and the needed ones among them."
  ),
  (
    "csv-quote",
    """
    A quoted field runs to the end of the file: everything after its opening quote would be one
    field. Look at the line that is named, and for a lone quote after it.
    """
  ),
  (
    "balance-too-few",
    "Balanced sampling draws the same number of every label; this label has fewer documents."
  ),
  ("balance-unlabelled", "Balanced sampling draws per label, but no document has one."),
  ("sample-too-few", "A sample without replacement cannot have more documents than there are."),
  ("grammar-version", "Grammars begin with 'version: 1'."),
  ("grammar-missing", "A part that every grammar needs is not there."),
  (
    "grammar-name",
    "Names of rules and variables are lower-case letters, digits and _; 'label' is taken."
  ),
  ("grammar-twice", "Rules, variables and labels have one name each."),
  ("grammar-empty", "A rule needs an alternative; an empty text is one."),
  ("grammar-weight", "Weights are relative and above 0; leave an alternative out instead of 0."),
  (
    "grammar-template",
    """
    Texts may hold {rule}, {^rule} (capital first letter), {a rule} (with a or an), {2-3 of rule}
    (a list), {this|that|} (a choice, the last one empty) and {{ for a brace.
    """
  ),
  ("grammar-undefined", "Braces name a rule or variable that the grammar does not define."),
  (
    "grammar-axis",
    """
    'by' names what cases go by: the label, or a variable whose alternatives are plain words (no
    braces), since only then all its values are known and can be checked.
    """
  ),
  (
    "grammar-case",
    "The cases under 'by' must be the values of that label or variable, all of them, or 'else'."
  ),
  (
    "grammar-endless",
    "Every way to expand this rule needs the rule itself, so no text would ever come out."
  ),
  ("grammar-unused", "No document can contain this rule. It is only a warning."),
  (
    "grammar-depth",
    "Recursion is allowed, but this one went on too long: give the recurring alternative less weight."
  ),
  ("compose-label", "'labels' names a voice that the grammar does not have."),
  (
    "compose-label-twice",
    "'labels' names a voice twice. How often each one writes is said by 'weights'."
  ),
  ("compose-weights", "There is one weight per label, none below 0, and not all of them 0."),
  ("compose-sentences", "The shortest body must not be longer than the longest."),
]
