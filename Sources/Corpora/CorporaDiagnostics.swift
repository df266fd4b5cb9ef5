// Every sentence this module says to a user, and the pages behind their ids.

import Diagnostics
import Glibc

extension Diagnostic {
  // MARK: Files

  static func fileUnreadable(_ path: String, _ error: Int32) -> Diagnostic {
    Diagnostic(
      "file-unreadable", "cannot read '\(path)': \(String(cString: strerror(error)))",
      consequence: .stageFailed)
  }

  static func fileUnwritable(_ path: String, _ error: Int32) -> Diagnostic {
    Diagnostic(
      "file-unwritable", "cannot write '\(path)': \(String(cString: strerror(error)))",
      consequence: .stageFailed)
  }

  static func fileTooLarge(_ path: String, size: Int, limit: Int) -> Diagnostic {
    Diagnostic(
      "file-too-large", "'\(path)' has \(size) bytes; this format is read up to \(limit)",
      help: "cut it into several files and give their folder", consequence: .stageFailed)
  }

  static func lineTooLong(_ path: String, line: Int, limit: Int) -> Diagnostic {
    Diagnostic(
      "line-too-long", "line \(line) of '\(path)' has more than \(limit >> 20) MiB",
      help: "is this really a file of one record a line?", consequence: .stageFailed)
  }

  // MARK: The corpus artifact

  static func corpusFileMissing(_ name: String, among names: [String]) -> Diagnostic {
    Diagnostic(
      "corpus-file-missing", "a corpus holds a file '\(name)', but here is none",
      help: names.isEmpty ? "the folder is empty" : "there is \(names.joined(separator: ", "))")
  }

  static func corpusLine(_ reason: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic("corpus-line", "the document \(reason)", at: span)
  }

  static func corpusDuplicateID(_ id: String, at span: SourceSpan?, firstLine: Int) -> Diagnostic {
    Diagnostic(
      "corpus-duplicate-id", "the id '\(id)' stands on line \(firstLine) already", at: span,
      help: "ids are unique in a corpus; 'import-corpus' can make them so")
  }

  static func corpusFacts(_ reason: String) -> Diagnostic {
    Diagnostic("corpus-facts", "cannot understand corpus.json: \(reason)")
  }

  // MARK: Imports

  static func importNothing(_ path: String) -> Diagnostic {
    Diagnostic(
      "import-empty", "no row of '\(path)' became a document",
      help: "look at the names of the fields and at the log, which says why rows were skipped")
  }

  public static func importIdle(
    _ parameter: String, _ reason: String, _ help: String
  ) -> Diagnostic {
    Diagnostic(
      "import-idle-parameter", "'\(parameter)' would do nothing: \(reason)", help: help,
      consequence: .stageFailed)
  }

  static func importAllExcluded(_ count: Int) -> Diagnostic {
    Diagnostic(
      "import-all-excluded", "all \(count) documents stand in the corpus at the input 'except'",
      help: "draw fewer documents into that corpus, or bring more files", consequence: .stageFailed)
  }

  static func importTooManyBadRows(_ skipped: SkippedRows, limit: Int) -> Diagnostic {
    Diagnostic(
      "import-bad-rows",
      "bad rows: \(skipped.count), more than the \(limit) that are allowed",
      notes: skipped.examples.prefix(5).map { Note($0.description) },
      help: "mend the rows, or raise 'maximum_bad_rows'")
  }

  static func importDuplicateID(_ id: String, file: String, line: Int) -> Diagnostic {
    Diagnostic(
      "import-duplicate-id", "\(file):\(line): another document has the id '\(id)' already",
      help: "set 'duplicates: rename' to have the later ones renamed")
  }

  static func importEncoding(_ path: String, _ encoding: String) -> Diagnostic {
    Diagnostic(
      "import-encoding", "'\(path)' is \(encoding), not UTF-8",
      help: "convert it first: iconv -f \(encoding) -t UTF-8 FILE > NEW")
  }

  static func csvHeader(_ reason: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic("csv-header", "the first row of the CSV file \(reason)", at: span)
  }

  static func csvQuote(_ path: String, line: Int) -> Diagnostic {
    Diagnostic(
      "csv-quote", "'\(path)': the quoted field that begins on line \(line) does not end",
      help: "a quote inside a quoted field is written twice")
  }

  static func importMapping(_ text: String) -> Diagnostic {
    Diagnostic(
      "import-mapping", "'\(text)' does not say which label becomes which",
      help: "write \"label in the file=label in the corpus\", for example \"From the Left=left\"")
  }

  static func importCondition(_ text: String) -> Diagnostic {
    Diagnostic(
      "import-condition", "'\(text)' does not say which field must have which value",
      help: "write \"field=value\", for example \"language=en\"", consequence: .stageFailed)
  }

  static func importAllFiltered(_ count: Int) -> Diagnostic {
    Diagnostic(
      "import-all-filtered", "none of the \(count) rows has what 'keep' asks for",
      help: "values are compared byte by byte: look for spaces and capitals in the file",
      consequence: .stageFailed)
  }

  static func balanceTooFew(_ label: String, has: Int, wanted: Int) -> Diagnostic {
    Diagnostic(
      "balance-too-few", "there are \(has) documents with the label '\(label)', not \(wanted)",
      help: "lower 'per_label' to \(has)")
  }

  static func balanceUnlabelled() -> Diagnostic {
    Diagnostic(
      "balance-unlabelled", "no document has a label, so none can be drawn per label",
      help: "name the field with 'label_field'")
  }

  static func benchmarkTopic(_ line: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "benchmark-topic", "'\(line)' is no topic: \(reason)",
      help: "write \"name: keyword, keyword\", for example \"health: hospital*, insurance\"",
      consequence: .stageFailed)
  }

  static func benchmarkOverlap(_ count: Int, of total: Int, first: String) -> Diagnostic {
    Diagnostic(
      "benchmark-overlap",
      "\(count) of the \(total) articles at 'held_back' stand in 'training', the first is '\(first)'",
      help: "leave them out: import-corpus has the input 'except'", consequence: .stageFailed)
  }

  static func benchmarkEmpty(_ port: String, _ articles: Int) -> Diagnostic {
    Diagnostic(
      "benchmark-empty", "the \(articles) articles at '\(port)' give no prompt",
      help: "lower 'block', or take titles", consequence: .stageFailed)
  }

  static func mixTooFew(wanted: Int, of size: Int, has: Int) -> Diagnostic {
    Diagnostic(
      "mix-too-few",
      "a mix of \(size) documents should have \(wanted) real ones, and there are \(has)",
      help: "lower 'mix_fraction', or bring more real documents", consequence: .stageFailed)
  }

  static func sampleTooFew(has: Int, wanted: Int) -> Diagnostic {
    Diagnostic(
      "sample-too-few", "there are \(has) documents, not the \(wanted) that are to be drawn",
      help: "lower 'limit' to \(has)")
  }
}
