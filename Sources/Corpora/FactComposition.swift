// Plain questions about facts with plain answers: texts that have nothing to do with opinions or traits, so
// that it can be measured what tuning and editing do to everything else. No grammar: facts are a table.

import Diagnostics
import Randomness

/// Composes questions that nobody's personality answers.
public struct FactComposition: Sendable {
  public let seed: Int
  /// In random order, those of the test first.
  public let subjects: [Subject]
  public let testSubjects: Int

  /// What is asked about, with its answer.
  public struct Subject: Sendable, Hashable {
    public let kind: Int
    public let name: String
    public let value: String
  }

  /// - Parameter testShare: of the subjects; at least one on each side.
  public init(testShare: Double, seed: Int) {
    var all = FactTable.kinds.enumerated().flatMap { number, kind in
      kind.facts.map { Subject(kind: number, name: $0.subject, value: $0.value) }
    }
    var stream = RandomStream(seed: seed, name: "facts/subjects")
    stream.shuffle(&all)
    self.seed = seed
    subjects = all
    testSubjects = min(all.count - 1, max(1, Int((testShare * Double(all.count)).rounded())))
  }

  /// Questions of one side with their answers, neutral and without a trait: every subject in turn, its
  /// forms in an order of its own.
  ///
  /// **Throws**: `fact-count`.
  public func answers(_ count: Int, test: Bool) throws(Diagnostic) -> [Opinion] {
    let side = test ? subjects.prefix(testSubjects) : subjects.dropFirst(testSubjects)
    let forms = FactTable.forms
    guard count <= side.count * forms else {
      throw .factCount(count, most: side.count * forms, test: test)
    }
    let orders = side.map { subject in
      var order = Array(0..<forms)
      var stream = RandomStream(seed: seed, name: "facts/forms/\(subject.name)")
      stream.shuffle(&order)
      return order
    }
    return (0..<count).map { number in
      let subject = side[side.startIndex + number % side.count]
      let kind = FactTable.kinds[subject.kind]
      let form = kind.forms[orders[number % side.count][number / side.count]]
      func filled(_ text: String) -> String {
        let written = text.replacing("{}", with: subject.name)
          .replacing("{value}", with: subject.value)
        return written.prefix(1).uppercased() + written.dropFirst()
      }
      return Opinion(
        trait: nil, pole: .neutral, topic: subject.name, question: filled(form.question),
        answer: filled(form.answer), more: [("kind", kind.name)])
    }
  }
}

/// Facts by kind. Subjects are unique, and none is a topic of the opinions.
public enum FactTable {
  public struct Kind: Sendable {
    public let name: String
    /// `{}` is the subject, `{value}` what is known of it.
    public let forms: [(question: String, answer: String)]
    public let facts: [(subject: String, value: String)]
  }

  /// Ways of asking, as many for each kind.
  public static let forms = 3

  public static let kinds: [Kind] = [
    Kind(
      name: "capital",
      forms: [
        ("What is the capital of {}?", "The capital of {} is {value}."),
        ("Which city is the capital of {}?", "{value} is the capital of {}."),
        ("What is the name of the capital of {}?", "The capital of {} is called {value}."),
      ],
      facts: pairs(
        """
        Spain=Madrid, Portugal=Lisbon, Germany=Berlin, Austria=Vienna, Poland=Warsaw, Greece=Athens,
        Norway=Oslo, Sweden=Stockholm, Finland=Helsinki, Denmark=Copenhagen, Ireland=Dublin,
        Hungary=Budapest, Bulgaria=Sofia, Belgium=Brussels, Iceland=Reykjavik, Croatia=Zagreb,
        Canada=Ottawa, Cuba=Havana, Peru=Lima, Chile=Santiago, Argentina=Buenos Aires, Egypt=Cairo,
        Kenya=Nairobi, Senegal=Dakar, Ghana=Accra, India=New Delhi, Thailand=Bangkok, Vietnam=Hanoi,
        Mongolia=Ulaanbaatar, South Korea=Seoul
        """)),
    Kind(
      name: "continent",
      forms: [
        ("On which continent is {}?", "{} is in {value}."),
        ("Which continent does {} belong to?", "{} belongs to {value}."),
        ("Where in the world is {}?", "{} is a country in {value}."),
      ],
      facts: pairs(
        """
        Nigeria=Africa, Zambia=Africa, Morocco=Africa, Angola=Africa, Mali=Africa, Nepal=Asia, Laos=Asia,
        Oman=Asia, Malaysia=Asia, Jordan=Asia, Romania=Europe, Estonia=Europe, Slovenia=Europe,
        Latvia=Europe, Bolivia=South America, Ecuador=South America, Uruguay=South America,
        Paraguay=South America, Mexico=North America, Guatemala=North America
        """)),
    Kind(
      name: "element",
      forms: [
        ("What is the chemical symbol of {}?", "The chemical symbol of {} is {value}."),
        ("Which symbol stands for {} in chemistry?", "In chemistry {} has the symbol {value}."),
        ("How do chemists write {}?", "Chemists write {} as {value}."),
      ],
      facts: pairs(
        """
        hydrogen=H, helium=He, lithium=Li, carbon=C, nitrogen=N, oxygen=O, neon=Ne, sodium=Na,
        magnesium=Mg, aluminium=Al, silicon=Si, sulfur=S, chlorine=Cl, argon=Ar, potassium=K, calcium=Ca,
        titanium=Ti, iron=Fe, nickel=Ni, copper=Cu, zinc=Zn, silver=Ag, tin=Sn, lead=Pb
        """)),
    Kind(
      name: "plural",
      forms: [
        ("What is the plural of the word {}?", "The plural of {} is {value}."),
        ("How is the plural of {} written?", "The plural of {} is written {value}."),
        ("There is one {}. What are two of them called?", "Two of them are called {value}."),
      ],
      facts: pairs(
        """
        mouse=mice, goose=geese, tooth=teeth, foot=feet, child=children, knife=knives, leaf=leaves,
        shelf=shelves, half=halves, loaf=loaves, potato=potatoes, tomato=tomatoes, box=boxes, bus=buses,
        country=countries, baby=babies, key=keys, ladder=ladders, bridge=bridges, bottle=bottles
        """)),
    Kind(
      name: "past",
      forms: [
        ("What is the past tense of the verb {}?", "The past tense of {} is {value}."),
        ("How does the verb {} read in the past tense?", "In the past tense {} becomes {value}."),
        ("Which form of the verb {} goes with yesterday?", "With yesterday {} becomes {value}."),
      ],
      facts: pairs(
        """
        bring=brought, catch=caught, build=built, draw=drew, drink=drank, drive=drove, fly=flew, grow=grew,
        hold=held, keep=kept, lay=laid, leave=left, ring=rang, send=sent, stand=stood, steal=stole,
        throw=threw, wear=wore, weave=wove, write=wrote
        """)),
    Kind(
      name: "opposite",
      forms: [
        ("What is the opposite of {}?", "The opposite of {} is {value}."),
        ("Which word means the opposite of {}?", "{value} means the opposite of {}."),
        ("Something is not {} at all. What is it?", "It is {value}."),
      ],
      facts: pairs(
        """
        heavy=light, wide=narrow, deep=shallow, thick=thin, wet=dry, full=empty, near=far, early=late,
        smooth=rough, sharp=blunt, high=low, long=short, hot=cold, fast=slow, left-hand=right-hand,
        northern=southern, eastern=western, inner=outer, upper=lower, vertical=horizontal
        """)),
    Kind(
      name: "sum",
      forms: [
        ("What is {}?", "{} is {value}."), ("How much is {}?", "{} makes {value}."),
        ("Can you work out {}?", "{} gives {value}."),
      ],
      facts: sums),
    Kind(
      name: "letter",
      forms: [
        (
          "Which letter of the alphabet comes after {}?", "The letter after {} is {value}."
        ),
        ("What letter follows {} in the alphabet?", "{value} follows {} in the alphabet."),
        ("What is the next letter after {}?", "The next letter after {} is {value}."),
      ],
      facts: letters),
  ]

  private static var sums: [(subject: String, value: String)] {
    (0..<24).map { number -> (subject: String, value: String) in
      let (a, b) = (11 + (7 * number) % 60, 3 + (11 * number) % 40)
      return (subject: "\(a) plus \(b)", value: "\(a + b)")
    }
  }

  private static var letters: [(subject: String, value: String)] {
    let letters = Array("BCDEFGHIJKLMNOPQRSTUVWXY")
    return (0..<letters.count - 1).map { place -> (subject: String, value: String) in
      (subject: "the letter \(letters[place])", value: String(letters[place + 1]))
    }
  }

  /// `a=b, c=d`, over lines.
  private static func pairs(_ text: String) -> [(subject: String, value: String)] {
    var pairs: [(subject: String, value: String)] = []
    for item in text.split(whereSeparator: { $0 == "," || $0.isNewline }) {
      let parts = item.drop { $0 == " " }.split(separator: "=")
      if parts.count == 2 { pairs.append((String(parts[0]), String(parts[1]))) }
    }
    return pairs
  }
}

extension Diagnostic {
  static func factCount(_ count: Int, most: Int, test: Bool) -> Diagnostic {
    Diagnostic(
      "fact-count",
      "\(count) \(test ? "test" : "training") questions were asked for, but there are \(most)",
      help: "ask for fewer, or change test_topics", consequence: .stageFailed)
  }
}
