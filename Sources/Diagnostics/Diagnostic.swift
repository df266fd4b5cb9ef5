// The only error that leaves a module. Each module keeps all its sentences in one file of factories
// (`extension Diagnostic { static func … }`); the printer in DiagnosticPrinter.swift draws them.

/// A problem with its place and a way out.
///
/// Checks look at everything and return `[Diagnostic]`; actions throw one (`throws(Diagnostic)`).
public struct Diagnostic: Error, Sendable {
  public enum Severity: String, Sendable { case error, warning }

  /// A further place that explains the first, such as "the other definition is here".
  public struct Note: Sendable {
    public let message: String
    public let span: SourceSpan?

    public init(_ message: String, at span: SourceSpan? = nil) {
      self.message = message
      self.span = span
    }
  }

  /// What kind of end this problem means for the whole command (exit codes of `plumb`).
  public enum Consequence: Int32, Sendable {
    case stageFailed = 1
    case refused = 2
    case gateFailed = 4
    case storeDamaged = 6
    case unavailable = 69
    case busy = 75
  }

  /// Stable name in kebab case: `plumb explain ID` prints the page behind it.
  public var id: String
  public var severity: Severity
  public var message: String
  public var span: SourceSpan?
  public var notes: [Note]
  /// The way out, one sentence without a final full stop: "did you mean 'learning_rate'?".
  public var help: String?
  public var consequence: Consequence

  public init(
    _ id: String, _ message: String, at span: SourceSpan? = nil, notes: [Note] = [],
    help: String? = nil, severity: Severity = .error, consequence: Consequence = .refused
  ) {
    self.id = id
    self.message = message
    self.span = span
    self.notes = notes
    self.help = help
    self.severity = severity
    self.consequence = consequence
  }

  /// The same problem seen from a place that knows where in the manifest it came from; a place that
  /// is already there stays.
  public func located(at span: SourceSpan?) -> Diagnostic {
    guard self.span == nil else { return self }
    var copy = self
    copy.span = span
    return copy
  }
}

extension Diagnostic: CustomStringConvertible {
  public var description: String { DiagnosticPrinter().text(of: self) }
}

/// Several problems found by one check, for callers that must stop with all of them.
public struct Diagnostics: Error, Sendable {
  public let all: [Diagnostic]
  public init(_ all: [Diagnostic]) { self.all = all }
}
