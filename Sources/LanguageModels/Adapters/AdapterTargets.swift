// Which modules an adapter goes to: names as in peft's target_modules.

import Diagnostics
import ModelFiles

/// The linear layers of a model that can be adapted.
struct AdapterTargets {
  let table: ParameterTable
  private let linear: [Parameter]

  init(_ table: ParameterTable) {
    self.table = table
    linear = table.parameters.filter(\.isLinearWeight)
  }

  /// - Parameter targets: last parts of module paths, `all-linear`, or none.
  /// - Returns: the targets written out, sorted, and the adapted weights in the order of the table.
  ///
  /// **Throws**: `adapter-target`.
  func resolve(_ targets: [String]) throws(Diagnostic) -> ([String], [Parameter]) {
    var names = targets.isEmpty ? usual : targets
    if names == [LowRankConfiguration.allLinear] { names = all }
    names = Array(Set(names)).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    for name in names {
      if let other = table.parameters.first(where: {
        isElsewhere($0) && LowRankConfiguration.fits(name, table.modulePath($0))
      }) {
        throw .adapterTarget(name, names: table.modulePath(other), known: all)
      }
      guard linear.contains(where: { LowRankConfiguration.fits(name, table.modulePath($0)) }) else {
        throw .adapterTarget(name, names: nil, known: all)
      }
    }
    let adapted = linear.filter { parameter in
      names.contains { LowRankConfiguration.fits($0, table.modulePath(parameter)) }
    }
    return (names, adapted)
  }

  /// Whether a parameter belongs to no linear layer of the blocks; a layer's bias belongs to it.
  private func isElsewhere(_ parameter: Parameter) -> Bool {
    !parameter.isLinearWeight && parameter.name.hasSuffix(".weight")
  }

  /// Every linear layer inside the blocks: the last part of its path, or more of it where the last
  /// part alone would also name a module outside.
  private var all: [String] {
    var names: Set<String> = []
    for parameter in linear {
      let parts = parameter.module.split(separator: ".").map(String.init)
      var length = 1
      while length < parts.count {
        let name = parts.suffix(length).joined(separator: ".")
        let isAmbiguous = table.parameters.contains {
          isElsewhere($0) && LowRankConfiguration.fits(name, table.modulePath($0))
        }
        if !isAmbiguous { break }
        length += 1
      }
      names.insert(parts.suffix(length).joined(separator: "."))
    }
    return names.sorted()
  }

  /// What peft adapts if nothing is said.
  private var usual: [String] {
    for names in [["c_attn"], ["q_proj", "v_proj"], ["query", "value"]]
    where linear.contains(where: { LowRankConfiguration.fits(names[0], $0.module) }) {
      return names
    }
    return all
  }
}

extension ParameterTable {
  /// A module's path in transformers, with the family's prefix.
  func modulePath(_ parameter: Parameter) -> String {
    String(fullName(parameter).dropLast(parameter.name.count - parameter.module.count))
  }

  /// Whether the family's files keep linear weights as [in, out].
  var fansInFirst: Bool { parameters.contains { $0.isLinearWeight && $0.file.isTransposed } }
}
