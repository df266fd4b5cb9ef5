// Options that several commands share, each group once.

import ArgumentParser
import Glibc

/// Where the store is, and which stage kinds there are.
struct PlaceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The store. Default: artifacts/ in the project's folder; the variable PLUMB_STORE.",
      valueName: "dir"))
  var store: String?

  @Option(
    name: .customLong("stages"),
    help: ArgumentHelp(
      "A folder with more stage kinds, beside the built-in ones and the project's stages/.",
      valueName: "dir"))
  var stageFolders: [String] = []

  @Flag(name: .customLong("no-color"), help: "No colours; so does the variable NO_COLOR.")
  var noColor = false

  mutating func validate() throws {
    if noColor { Messages.wantsColours = false }
  }
}

/// A manifest, values for its parameters, and words that choose instances.
struct ManifestOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The manifest, if it is not the default one, then stages or instances.",
      discussion: "Instances are chosen as train, 'train[strategy=none]', 'train[generation=2]'.",
      valueName: "manifest> <stages"))
  var words: [String] = []

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Give a parameter of the manifest a value.", valueName: "name=value"))
  var assignments: [String] = []

  @Option(
    name: .customLong("params"),
    help: ArgumentHelp("A YAML file with values for parameters.", valueName: "file"))
  var parameterFiles: [String] = []

  @OptionGroup var places: PlaceOptions

  /// The manifest, if the first word names one.
  var manifest: String? { words.first.flatMap { Self.isManifest($0) ? $0 : nil } }

  /// The words after the manifest.
  var selectors: [String] { manifest == nil ? words : Array(words.dropFirst()) }

  /// A stage cannot be named like this, so no folder or file of that name can be meant by accident.
  static func isManifest(_ word: String) -> Bool {
    let name = word.lowercased()
    return name.hasSuffix(".yaml") || name.hasSuffix(".yml")
      || (word.contains("/") && !word.contains("["))
  }
}
