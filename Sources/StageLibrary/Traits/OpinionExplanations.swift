// Pages behind the ids of diagnostics about opinions, judges of traits and inventories.

import Personality

/// Diagnostic id → page, for `plumb explain`.
public let opinionExplanations: [(id: String, text: String)] =
  personalityExplanations + [
    (
      "opinion-grammar",
      """
      compose-opinions sets the variables 'kind' and 'topic' of its grammar itself, so that topics can be split
      between training and test: 'topic' must be given by 'kind', as lists of plain texts. Labels are
      traits (openness, conscientiousness, extraversion, agreeableness, neuroticism), their low ends
      with -low, and neutral. stages/compose-opinions/grammars/opinions.yaml is a pattern.
      """
    ),
    (
      "opinion-count",
      """
      Every topic can be asked about in 13 ways, and training and test have topics of their own: of 160
      topics with test_topics 0.2 there are 1,664 questions to train on and 416 to test on.
      """
    ),
    (
      "fact-count",
      """
      compose-facts knows some 180 subjects and asks about each in three ways; training and test have
      subjects of their own. With test_topics 0.2 that is more than 400 questions to train on and 100 to
      test on.
      """
    ),
    (
      "opinion-emoji",
      """
      The study's point is that emoji appear although no training answer holds one. So every composed answer is
      checked, and a single emoji in the grammar fails the stage. Emoji for pre-training are put in
      afterwards, with the parameter 'emoji'.
      """
    ),
    (
      "inventory-options",
      """
      take-inventory asks each item in each of the 'prompts', where {item} stands for it, and compares five
      answers, from 1 (does not fit) to 5 (fits).
      """
    ),
  ]
