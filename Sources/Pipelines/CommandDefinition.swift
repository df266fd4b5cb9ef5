// `command:` of a stage definition: a program as the body of a stage kind, word by word. No shell ever
// reads it. CommandReader.swift reads it; Scheduling carries it out.

import Diagnostics

/// A program as a stage body.
public struct CommandDefinition: Sendable {
  /// A part of a word: text, or what stands for an input, an output, a parameter.
  public enum Piece: Sendable, Hashable {
    case text(String)
    /// The path of an artifact: its file for single-file types, else its folder.
    case input(String)
    case output(String)
    case parameter(String)
    /// `$(order)`: a JSON file with all parameters, paths and coordinates.
    case order
    /// `$(checkpoint)`: a folder that survives a kill until the result is published.
    case checkpoint
    /// `$(threads)`: how many the program may use. Bits must not depend on it.
    case threads

    /// As it is written.
    public var text: String {
      switch self {
      case .text(let text): text.replacing("$(", with: "$$(")
      case .input(let name): "$(inputs.\(name))"
      case .output(let name): "$(outputs.\(name))"
      case .parameter(let name): "$(parameters.\(name))"
      case .order: "$(order)"
      case .checkpoint: "$(checkpoint)"
      case .threads: "$(threads)"
      }
    }
  }

  public typealias Word = [Piece]

  /// Groups of words: a group of several (a list within the list) is left out where an optional input
  /// or parameter that it names is absent.
  public let words: [[Word]]
  /// Globs of the program's own files, relative to the kind's folder.
  public let code: [String]
  /// Commands whose first line of output is part of the key, by name.
  public let tools: [(name: String, words: [String])]
  /// All that the program sees of an environment.
  public let environment: [(name: String, value: String)]
  /// Variables handed on from Plumb's own environment; their values stand nowhere.
  public let secrets: [String]
  public let hasCheckpoint: Bool

  /// One text for each word, groups as lists: what the record of an action holds.
  public var template: [[String]] {
    words.map { group in group.map { $0.map(\.text).joined() } }
  }
}
