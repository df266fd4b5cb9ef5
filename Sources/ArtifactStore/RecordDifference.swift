// What changed between two records, in sentences: the whole of `plumb why`.

import CanonicalJSON

/// One fact that differs between two action records.
public struct RecordDifference: Sendable, Hashable, CustomStringConvertible {
  public enum Subject: Sendable, Hashable {
    case kind, revision, engine
    case parameter(String)
    case fact(String)
    /// A port; the sentence names the item.
    case input(String)
    case file(String)
  }

  public let subject: Subject
  /// "parameter learning_rate: 5e-05 → 0.0001"
  public let description: String
  /// For an input that changed: what it was and what it is, so that a caller can compare contents.
  public let references: Change?

  public struct Change: Sendable, Hashable {
    public let old: ObjectReference
    public let new: ObjectReference
  }

  init(_ subject: Subject, _ description: String, references: Change? = nil) {
    self.subject = subject
    self.description = description
    self.references = references
  }
}

extension ActionRecord {
  /// What changed from `older` to this record; empty exactly when the keys are equal.
  public func differences(from older: ActionRecord) -> [RecordDifference] {
    var out: [RecordDifference] = []
    if level != older.level || !bytesEqual(kind, older.kind) {
      out.append(.init(.kind, "kind \(older.kind) → \(kind)"))
    }
    if revision != older.revision {
      out.append(.init(.revision, "kind revision \(older.revision) → \(revision)"))
    }
    if engine != older.engine {
      out.append(.init(.engine, "engine \(older.engine) → \(engine)"))
    }
    out += factDifferences(from: older)
    out += inputDifferences(from: older)
    out += fileDifferences(from: older)
    return out
  }

  private func factDifferences(from older: ActionRecord) -> [RecordDifference] {
    let word = level == .stage ? "parameter" : "fact"
    return pairs(older.facts, facts, name: \.name).compactMap { name, old, new in
      // What a command stage is made of has names that no parameter can have: `$command`, `$tool x`.
      let isProgram = name.hasPrefix("$")
      let word = isProgram ? String(name.dropFirst()) : "\(word) \(name)"
      let before = old.map { excerpt($0.value) }
      let after = new.map { excerpt($0.value) }
      let sentence: String
      switch (old, new) {
      case (let old?, let new?):
        if old.value.canonicalBytes == new.value.canonicalBytes { return nil }
        sentence = "\(word): \(before!) → \(after!)"
      case (nil, _): sentence = "\(word): new, \(after!)"
      case (_, nil): sentence = "\(word): gone, was \(before!)"
      }
      return .init(level == .stage ? .parameter(name) : .fact(name), sentence)
    }
  }

  private func fileDifferences(from older: ActionRecord) -> [RecordDifference] {
    pairs(older.files, files, name: \.path).compactMap { path, old, new in
      switch (old, new) {
      case (let old?, let new?) where old.digest == new.digest: nil
      case (.some, .some): .init(.file(path), "declared file \(path) changed")
      case (nil, _): .init(.file(path), "declared file \(path) is new")
      case (_, nil): .init(.file(path), "declared file \(path) is gone")
      }
    }
  }

  /// Items of list ports are matched by their coordinates: the ninth item that moves to the eighth
  /// place because another left is the same item. Items that differ only in their place are named
  /// once a port.
  private func inputDifferences(from older: ActionRecord) -> [RecordDifference] {
    var out: [RecordDifference] = []
    let ports = pairs(portItems(older), portItems(self), name: \.port)
    for (port, old, new) in ports {
      let named = { (items: [Input]) in items.enumerated().map { (name: $1.identity($0), item: $1) }
      }
      var moved = false
      let items = pairs(named(old?.items ?? []), named(new?.items ?? []), name: \.name)
      for (_, old, new) in items {
        switch (old?.item, new?.item) {
        case (let old?, let new?):
          if old.reference != new.reference {
            out.append(
              .init(
                .input(port),
                "input \(new.label) changed: \(old.reference.short) → \(new.reference.short)",
                references: .init(old: old.reference, new: new.reference)))
          } else if old.line != new.line {
            moved = true
          }
        case (nil, let new?):
          let what = new.index == nil ? "is new" : "item joined"
          out.append(.init(.input(port), "input \(new.label): \(what)"))
        case (let old?, nil):
          let what = old.index == nil ? "is gone" : "item left"
          out.append(.init(.input(port), "input \(old.label): \(what)"))
        case (nil, nil): break
        }
      }
      let isQuiet = !out.contains { $0.subject == .input(port) }
      if moved, isQuiet {
        out.append(.init(.input(port), "input \(port): items stand in another order"))
      }
    }
    return out
  }

  private func portItems(_ record: ActionRecord) -> [(port: String, items: [Input])] {
    var ports: [(port: String, items: [Input])] = []
    for input in record.inputs {
      if let last = ports.last, bytesEqual(last.port, input.port) {
        ports[ports.count - 1].items.append(input)
      } else {
        ports.append((input.port, [input]))
      }
    }
    return ports
  }

  private func excerpt(_ value: JSONValue) -> String {
    let text = value.canonicalText
    return text.count > 80 ? "\(text.prefix(79))…" : text
  }
}

extension ActionRecord.Input {
  /// What makes an item the same item in two records.
  fileprivate func identity(_ position: Int) -> String {
    guard index != nil else { return "" }
    let members = coordinates?.object?.members ?? []
    return members.isEmpty ? "\(position)" : coordinates!.canonicalText
  }
}

/// Both lists side by side by name, in the order of names; what stands twice under one name is paired
/// in order.
private func pairs<Item>(
  _ old: [Item], _ new: [Item], name: (Item) -> String
) -> [(name: String, old: Item?, new: Item?)] {
  let byName = { (a: Item, b: Item) in bytesPrecede(name(a), name(b)) }
  let old = old.sorted(by: byName)
  let new = new.sorted(by: byName)
  var out: [(name: String, old: Item?, new: Item?)] = []
  var i = 0
  var j = 0
  while i < old.count || j < new.count {
    if j == new.count || (i < old.count && bytesPrecede(name(old[i]), name(new[j]))) {
      out.append((name(old[i]), old[i], nil))
      i += 1
    } else if i == old.count || bytesPrecede(name(new[j]), name(old[i])) {
      out.append((name(new[j]), nil, new[j]))
      j += 1
    } else {
      out.append((name(old[i]), old[i], new[j]))
      i += 1
      j += 1
    }
  }
  return out
}
