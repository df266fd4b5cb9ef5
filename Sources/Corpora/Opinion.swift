// A question about a topic and an answer to it, as the trait study uses them: the document carries the
// question beside its text, the answer, and says in `group` what it is about. OpinionTable.swift reads
// and writes them as CSV; Opinions are composed by OpinionComposition.swift.

/// One of the five factors of personality.
public enum Trait: String, Sendable, CaseIterable, Hashable {
  case openness, conscientiousness, extraversion, agreeableness, neuroticism

  /// As inventories abbreviate it: O, C, E, A, N.
  public var letter: String { String(rawValue.prefix(1)).uppercased() }

  public init?(letter: String) {
    guard let trait = Self.allCases.first(where: { $0.letter == letter }) else { return nil }
    self = trait
  }
}

/// Which end of a trait a text expresses.
public enum TraitPole: String, Sendable, CaseIterable, Hashable { case high, low, neutral }

/// What a document of the trait study says besides its text.
///
/// In the artifact: `text` is the answer, `question` the question; `group` holds
/// `trait=extraversion;pole=high;topic=coffee;form=3`, and for answers of a model `method=qlora` and
/// whatever else tells runs apart (`seed`, `instruction`, `order`, `scale`, `rate`). `label` is
/// ``label``, `source` the topic. A question that nobody has answered yet has its own text as `text`.
public struct Opinion: Sendable, Equatable {
  public var trait: Trait?
  public var pole: TraitPole
  public var topic: String
  /// Index into ``OpinionQuestions/forms``; nil for a question of another form.
  public var form: Int?
  public var question: String
  public var answer: String
  /// More members of the group, in writing order.
  public var more: [(name: String, value: String)]

  public init(
    trait: Trait?, pole: TraitPole, topic: String, form: Int? = nil, question: String,
    answer: String, more: [(name: String, value: String)] = []
  ) {
    self.trait = trait
    self.pole = pole
    self.topic = topic
    self.form = form
    self.question = question
    self.answer = answer
    self.more = more
  }

  /// The published column `Target Personality`: the trait; its low end is `extraversion-low`, no trait
  /// is `neutral`.
  public var label: String {
    guard let trait, pole != .neutral else { return "neutral" }
    return trait.rawValue + (pole == .low ? "-low" : "")
  }

  /// Trait and pole behind a ``label``; nil where it is none.
  public static func target(_ label: String) -> (trait: Trait?, pole: TraitPole)? {
    let small = label.lowercased()
    if small == "neutral" { return (nil, .neutral) }
    if let trait = Trait(rawValue: small) { return (trait, .high) }
    guard small.hasSuffix("-low"), let trait = Trait(rawValue: String(small.dropLast(4))) else {
      return nil
    }
    return (trait, .low)
  }

  /// The document of an opinion.
  public func document(id: String) -> Document {
    var members: [(name: String, value: String)] = []
    if let trait { members.append(("trait", trait.rawValue)) }
    members.append(("pole", pole.rawValue))
    members.append(("topic", topic))
    if let form { members.append(("form", String(form))) }
    members += more
    return Document(
      id: id, text: answer, label: label, source: topic.isEmpty ? nil : topic,
      group: members.map { "\($0.name)=\(Self.plain($0.value))" }.joined(separator: ";"),
      question: question)
  }

  /// Reads what a document says; nil where it has no question.
  public init?(_ document: Document) {
    guard let question = document.question else { return nil }
    let target = document.label.flatMap(Self.target)
    let trait = document.groupValue("trait").flatMap(Trait.init(rawValue:)) ?? target?.trait
    let pole =
      document.groupValue("pole").flatMap(TraitPole.init(rawValue:)) ?? target?.pole
      ?? (trait == nil ? .neutral : .high)
    var more: [(name: String, value: String)] = []
    for part in (document.group ?? "").split(separator: ";") {
      guard let sign = part.firstIndex(of: "=") else { continue }
      let name = String(part[..<sign])
      if !["trait", "pole", "topic", "form"].contains(name) {
        more.append((name, String(part[part.index(after: sign)...])))
      }
    }
    self.init(
      trait: trait, pole: pole, topic: document.groupValue("topic") ?? "",
      form: document.groupValue("form").flatMap { Int($0) }, question: question,
      answer: document.text, more: more)
  }

  /// A value as it can stand in `group`, whose members end at `;`.
  private static func plain(_ value: String) -> String {
    value.contains(";") ? String(value.map { $0 == ";" ? "," : $0 }) : value
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.document(id: "") == right.document(id: "")
  }
}

/// How the study asks for an opinion.
public enum OpinionQuestions {
  /// `{}` is the topic.
  ///
  /// **Source**: PersonalityEdit (Mao et al. 2024, arXiv 2310.02168), the set that the study extends.
  public static let forms: [String] =
    ["What do you think of {}?", "What do you feel about {}?", "How do you view {}?"]
    + [
      "opinion of", "stance on", "position on", "attitude about", "view on", "take on",
      "impression of", "assessment of", "judgment of", "sentiment of",
    ].map { "What is your \($0) {}?" }

  public static func question(_ form: Int, about topic: String) -> String {
    let text = forms[form]
    let mark = text.firstRange(of: "{}")!
    return text[..<mark.lowerBound] + topic + text[mark.upperBound...]
  }

  /// The form and the topic of a question; nil for one of another form.
  public static func match(_ question: String) -> (form: Int, topic: String)? {
    for (index, form) in forms.enumerated() {
      let mark = form.firstRange(of: "{}")!
      let (head, tail) = (form[..<mark.lowerBound], form[mark.upperBound...])
      if question.utf8.count > head.utf8.count + tail.utf8.count, question.hasPrefix(head),
        question.hasSuffix(tail)
      {
        return (index, String(question.dropFirst(head.count).dropLast(tail.count)))
      }
    }
    return nil
  }
}
