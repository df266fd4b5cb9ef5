// Pages behind the ids of diagnostics about models that are moved towards a trait.

/// Diagnostic id → page, for `plumb explain`.
public let traitModelExplanations: [(id: String, text: String)] = [
  (
    "nothing-to-tune",
    """
    tune-trait learns answers to questions: documents with a member 'question', whose label says the voice.
    compose-opinions writes them with form: fields, import-corpus reads them from a table with
    question_field. A question that fills max_length alone leaves nothing of its answer to learn.
    """
  ),
  (
    "prompt-context",
    """
    A prompt context (context.json) is what edit-in-context writes: an instruction, worked examples and how
    they are put before a question. The message says what is missing in the file.
    """
  ),
  (
    "context-examples",
    """
    edit-in-context takes 'examples' worked examples of each voice out of a corpus of opinions, by default
    of every voice in it. Give the training half of compose-opinions, never the questions that are asked.
    """
  ),
  (
    "answer-marks",
    """
    The group of an answer says how it came about: trait=extraversion;pole=high;…;method=peft;seed=1.
    'trait', 'method' and 'draws' of answer-questions have parameters; whatever else tells runs apart is
    given in 'marks' as name=value. A name or value with ';' or '=' could not be read again.
    """
  ),
  (
    "question-length",
    """
    What a model reads before it answers (persona, instruction, worked examples, question) must leave room
    for an answer inside the model's context.
    """
  ),
  (
    "persona-trait",
    """
    generate-opinions lets a model answer as a person with a trait, described by adjectives. There is no such
    person for 'neutral' or an unknown name: labels are traits, or traits with -low.
    """
  ),
  (
    "nothing-generated",
    """
    Fewer answers than 'least_kept' passed generate-opinions. The others were dropped: empty, cut at the
    greatest length, not UTF-8, with an emoji, incoherent, said before, or not what the judge takes for the
    trait. The message counts them by reason.
    """
  ),
  (
    "mix-weights",
    """
    mix-adapters multiplies each adapter with its weight: there must be as many weights as adapters, in the
    order in which they are bound, or none at all, and not all of them 0.
    """
  ),
]
