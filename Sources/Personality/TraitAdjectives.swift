// The adjectives by which a judge model rates how well a text fits a trait, and the test of whether such
// ratings know anything: do they tell an inventory's items from the reversed ones?

import Corpora

public enum TraitAdjectives {
  /// **Source**: Mao et al. 2024 (PersonalityEdit) for E, A and N, without the slip "dishonest" of its release;
  /// Serapio-García et al. 2023 for O and C. Which list the study used is not known.
  public static func list(_ trait: Trait) -> [String] {
    switch trait {
    case .extraversion:
      [
        "friendly", "extraverted", "talkative", "bold", "assertive", "active", "energetic",
        "cheerful",
      ]
    case .agreeableness:
      [
        "trustful", "honest", "altruistic", "generous", "cooperative", "humble", "sympathetic",
        "unselfish",
      ]
    case .neuroticism:
      [
        "tense", "nervous", "anxious", "angry", "irritable", "depressed", "self-conscious",
        "impulsive",
      ]
    case .openness:
      [
        "imaginative", "creative", "aesthetic", "reflective", "curious", "spontaneous",
        "intelligent", "analytical",
      ]
    case .conscientiousness:
      [
        "orderly", "responsible", "hardworking", "self-disciplined", "practical", "thrifty",
        "organized", "thorough",
      ]
    }
  }

  /// P(a positive scores above a negative), ties counting half; nil where a side is empty.
  ///
  /// **Source**: Mann & Whitney 1947; Hanley & McNeil 1982.
  public static func auc(positives: [Double], negatives: [Double]) -> Double? {
    guard !positives.isEmpty, !negatives.isEmpty else { return nil }
    var wins = 0.0
    for a in positives { for b in negatives { wins += a > b ? 1 : a == b ? 0.5 : 0 } }
    return wins / Double(positives.count * negatives.count)
  }
}
