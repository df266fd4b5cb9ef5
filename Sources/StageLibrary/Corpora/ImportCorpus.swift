// The stage kind `import-corpus`: outside files in, corpus out. Formats and bad rows are dealt with
// in Corpora (CorpusImport.swift), drawing in Sampling.swift.

import Corpora
import Diagnostics
import Scheduling

enum ImportCorpusStage: StageBody {
  static let kind = "import-corpus"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    try refuseIdle(parameters, hasExcept: !stage.inputs("except").isEmpty)
    var rules = CorpusImport(format: parameters.choice("format"))
    rules.fields.id = parameters.string("id_field")
    rules.fields.text = parameters.string("text_field")
    rules.fields.title = parameters.optionalString("title_field")
    rules.fields.body = parameters.optionalString("body_field")
    rules.fields.label = parameters.string("label_field")
    rules.fields.source = parameters.string("source_field")
    rules.fields.date = parameters.string("date_field")
    rules.fields.question = parameters.optionalString("question_field")
    rules.labels = try LabelMapping(parameters.strings("labels"))
    for text in parameters.strings("keep") { rules.conditions.append(try RowCondition(text)) }
    rules.separator = parameters.choice("separator", of: CorpusImport.Separator.self)
    rules.textUnit = parameters.choice("unit")
    rules.duplicates = parameters.choice("duplicates")
    rules.maximumBadRows = parameters.optionalInteger("maximum_bad_rows")
    rules.origin = parameters.optionalString("origin")
    rules.licence = parameters.optionalString("licence")

    var read = try rules.read(files: stage.input("files").files, log: stage.log)
    stage.log("read \(read.documents.count) documents")
    read = read.shortened(toWords: parameters.optionalInteger("most_words"))
    if read.facts.shortened > 0 { stage.log("cut \(read.facts.shortened) documents") }
    for except in stage.inputs("except") {
      let all = read.facts.excluded
      let held = try Corpus.read(files: except.files)
      read = try read.without(held)
      stage.log("left out \(read.facts.excluded - all) documents that a corpus at 'except' holds")
      let before = read.facts.excluded
      switch parameters.string("except_sources") {
      case "exact": read = try read.withoutSources(of: held) { $0 }
      case "outlet": read = try read.withoutSources(of: held, named: outletName)
      default: break
      }
      if read.facts.excluded > before {
        stage.log("left out \(read.facts.excluded - before) more of the same sources")
      }
    }
    let drawn = try draw(from: read, parameters)
    try drawn.write(to: stage.output("corpus").folder)
    stage.log("kept \(drawn.documents.count) documents")
  }

  /// Parameters that would do nothing are mistakes: what they ask for would silently not happen.
  static func refuseIdle(
    _ parameters: Parameters, hasExcept: Bool = false
  ) throws(Diagnostic) {
    if parameters.string("except_sources") != "none", !hasExcept {
      throw .importIdle(
        "except_sources", "there is no corpus whose sources could be left out",
        "bind 'except' to a corpus")
    }
    if parameters.string("format") == "text", !parameters.strings("keep").isEmpty {
      throw .importIdle("keep", "text files have no fields", "leave it out")
    }
    let sampling = parameters.string("sampling")
    if parameters.optionalInteger("per_label") != nil, sampling != "balanced" {
      throw .importIdle("per_label", "nothing is drawn per label", "set 'sampling: balanced'")
    }
    if sampling == "random", parameters.optionalInteger("limit") == nil {
      throw .importIdle(
        "sampling", "a random sample needs a size", "set 'limit' to the number of documents")
    }
    if parameters.optionalString("title_field") != nil,
      parameters.optionalString("body_field") == nil
    {
      throw .importIdle(
        "title_field", "the text is taken from one field and has its title in it",
        "name the field of the body with 'body_field'")
    }
    if parameters.string("format") == "text", parameters.optionalString("body_field") != nil {
      throw .importIdle("body_field", "text files have no fields", "leave it out")
    }
  }

  private static func draw(from corpus: Corpus, _ parameters: Parameters)
    throws(Diagnostic) -> Corpus
  {
    let limit = parameters.optionalInteger("limit")
    switch parameters.string("sampling") {
    case "balanced":
      let balanced = try corpus.balanced(
        perLabel: parameters.integer("per_label"), seed: parameters.integer("seed"))
      return balanced.first(limit)
    case "random":
      return try corpus.sampled(
        limit ?? corpus.documents.count, seed: parameters.integer("seed"))
    default: return corpus.first(limit)
    }
  }
}

extension Parameters {
  /// A choice of `stage.yaml` as the type that has the same names.
  func choice<Choice: RawRepresentable>(_ name: String, of: Choice.Type = Choice.self) -> Choice
  where Choice.RawValue == String {
    guard let choice = Choice(rawValue: string(name)) else {
      preconditionFailure("stage.yaml offers '\(string(name))' for '\(name)', \(Choice.self) not")
    }
    return choice
  }
}
