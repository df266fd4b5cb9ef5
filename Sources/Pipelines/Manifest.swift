// A manifest as it was written: names, templates and expressions with their places, nothing looked
// up yet. ManifestReader.swift makes it; PipelineResolver.swift gives it meaning.

import Diagnostics
import YAMLSyntax

struct Manifest {
  let name: String
  let summary: String
  var params: [ParamDeclaration]
  var stages: [StageDeclaration]
  /// Other files, as written; ManifestIncludes.swift merges them in.
  let includes: [Located<String>]
  /// `runs: {keep: …}` in seconds.
  var runsKept: Double?
  var onFinish: [String] = []
  var slurm: SlurmDeclaration?
}

/// One entry of `params`.
struct ParamDeclaration {
  let name: Located<String>
  /// Of the file that declares it: what relative paths of its default start from.
  let folder: String
  /// Nothing where the declaration is broken: its uses are not checked then.
  let definition: ParameterDefinition?
  let span: SourceSpan
}

struct StageDeclaration {
  let name: Located<String>
  let uses: Located<String>?
  let matrix: MatrixDeclaration?
  let inputs: [InputDeclaration]
  let parameters: [(name: Located<String>, template: ValueTemplate)]
  let resources: ResourceDeclaration?
  var slurm: SlurmDeclaration?
  let retention: Retention?
  var retries = Retries.none
  /// `when:`.
  var condition: ValueTemplate?
  var gates: [GateDeclaration] = []
  /// Of the file that declares it: what relative paths of `file:` start from.
  let folder: String
  /// Where `inputs:` and `with:` stand, for what is missing in them.
  let inputsSpan: SourceSpan?
  let withSpan: SourceSpan?
  /// Whether some of `inputs:` or `with:` could not be read: nothing is called missing then.
  var isInputsBroken = false
  var isWithBroken = false
}

struct MatrixDeclaration {
  enum Factor {
    case values(axis: Located<String>, items: [ValueTemplate], span: SourceSpan)
    /// `axis: $(params.list)`.
    case template(axis: Located<String>, ValueTemplate)
    case expression(axis: Located<String>, AxisExpression, span: SourceSpan)
    case points([[(axis: Located<String>, value: ValueTemplate)]], span: SourceSpan)
  }

  let factors: [Factor]
  let exclusions: [[(axis: Located<String>, value: ValueTemplate)]]
  let span: SourceSpan
  /// Whether some part could not be read: the instances are not known then.
  let isBroken: Bool
}

struct InputDeclaration {
  enum Source {
    case expression(InputExpression)
    case file(ValueTemplate, byReference: Bool)
  }
  struct Part {
    let source: Source
    let span: SourceSpan
  }

  let port: Located<String>
  /// Several where a list was written.
  let parts: [Part]
  let isWrittenAsList: Bool
  let span: SourceSpan
  let isBroken: Bool
}

struct GateDeclaration {
  let metric: Located<String>
  let at: [(name: String, value: String)]
  let least: ValueTemplate?
  let most: ValueTemplate?
}

struct ResourceDeclaration {
  let threads: ValueTemplate?
  let memory: ValueTemplate?
  let time: ValueTemplate?
}
