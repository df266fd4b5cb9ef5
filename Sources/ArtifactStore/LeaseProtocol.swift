// How a lease is taken and given back, as steps without a file system: each step asks for one operation
// on one file and is told its outcome. StoreLeases.swift carries the steps out on files;
// the test LeaseProtocolTests.swift carries the same steps out on a model, in every order.

/// A file of the protocol.
enum LeaseFile: Hashable, Sendable {
  /// The lease of the key.
  case lease
  /// The right to replace or remove the claim with this nonce, wherever that stands.
  case marker(of: String)
}

/// One operation on one file. Claims that are written bear the nonce of the machine that asks.
enum LeaseStep: Hashable, Sendable {
  case look(LeaseFile)
  /// Give our claim this name if nothing bears it.
  case link(LeaseFile)
  /// Rename our claim over what is there.
  case replace(LeaseFile)
  case remove(LeaseFile)
}

enum LeaseAnswer: Hashable, Sendable {
  /// Of a look: there is no such file.
  case nothing
  /// Of a look.
  case claim(nonce: String, isStale: Bool)
  /// Of the others: it worked.
  case done
  /// Of the others: the system said anything else. It may have worked all the same, if the reply was
  /// lost (NFS); only another look can tell.
  case refused
}

/// Taking a file from nobody, or from somebody dead.
///
/// Two waiters may find the same claim dead at different moments, so the later one must not remove the
/// fresh claim of the earlier one. The right to replace *this* claim is itself a file, named after the
/// claim's nonce and taken in the same way (so a dead breaker is broken like a dead holder), and the
/// claim is looked at again under that right.
struct LeaseTaking: Hashable, Sendable {
  enum Outcome: Hashable, Sendable {
    case held
    /// Another holds it, or is about to.
    case busy
  }

  private enum Place: Hashable, Sendable {
    case looking
    case linking, wasLinked
    /// Under the right to replace what stands at the top.
    case checking
    case replacing, wasReplaced
    /// Giving up the right, once the file at the top is ours or must be left to another.
    case leaving(isOurs: Bool)
  }

  let nonce: String
  /// What is to be taken, each for the sake of the one before; all but the last hold dead claims.
  private var files: [LeaseFile]
  /// The dead claims found there.
  private var dead: [String] = []
  private var place = Place.looking
  private var rounds = 0
  /// The operation to be carried out now; nil at the end.
  private(set) var step: LeaseStep?
  private(set) var outcome: Outcome?

  /// After so many rounds with somebody coming and going the caller waits like everybody else.
  private static let patience = 8
  /// Each dead breaker costs one more file; so many at once are no accident.
  private static let depth = 6

  init(_ file: LeaseFile = .lease, nonce: String) {
    self.nonce = nonce
    files = [file]
    step = .look(file)
  }

  mutating func receive(_ answer: LeaseAnswer) {
    precondition(step != nil, "the answer \(answer) without a question")
    switch place {
    case .looking: looked(answer)
    case .linking:
      if answer == .done { taken() } else { ask(.look(files.last!), .wasLinked) }
    case .wasLinked:
      if isOurs(answer) { taken() } else { again() }
    case .checking:
      if case .claim(nonce: dead.last, _) = answer {
        ask(.replace(files.last!), .replacing)
      } else {
        leave(isOurs: false)
      }
    case .replacing:
      if answer == .done {
        leave(isOurs: true)
      } else {
        ask(.look(files.last!), .wasReplaced)
      }
    case .wasReplaced: leave(isOurs: isOurs(answer))
    case .leaving(let isOurs):
      dead.removeLast()
      if isOurs { taken() } else { end(.busy) }
    }
  }

  private func isOurs(_ answer: LeaseAnswer) -> Bool {
    if case .claim(nonce: nonce, _) = answer { true } else { false }
  }

  private mutating func ask(_ step: LeaseStep, _ place: Place) {
    self.step = step
    self.place = place
  }

  private mutating func looked(_ answer: LeaseAnswer) {
    switch answer {
    case .claim(let found, isStale: true) where files.count < Self.depth:
      dead.append(found)
      files.append(.marker(of: found))
      ask(.look(files.last!), .looking)
    case .claim: end(.busy)
    default: ask(.link(files.last!), .linking)
    }
  }

  private mutating func again() {
    rounds += 1
    // Somebody else breaks the claim at this moment: nothing is held yet, so nothing is given back.
    guard files.count == 1, rounds < Self.patience else { return end(.busy) }
    ask(.look(files.last!), .looking)
  }

  /// The last file is ours: the end, or the right to replace what stands in the one before.
  private mutating func taken() {
    guard files.count > 1 else { return end(.held) }
    files.removeLast()
    ask(.look(files.last!), .checking)
  }

  private mutating func leave(isOurs: Bool) {
    ask(.remove(.marker(of: dead.last!)), .leaving(isOurs: isOurs))
  }

  private mutating func end(_ outcome: Outcome) {
    step = nil
    self.outcome = outcome
  }
}

/// Giving a lease back.
struct LeaseReturning: Hashable, Sendable {
  private enum Place: Hashable, Sendable { case linking, wasLinked, looking, removing, leaving }

  /// Of the lease that is given back.
  let lease: String
  /// Of the claim that stands in a marker meanwhile.
  let nonce: String
  private let isSilent: Bool
  private var place: Place
  private(set) var step: LeaseStep?

  /// - Parameter isSilent: whether the holder was silent for so long that a waiter may be replacing its
  ///   file at this very moment: then whoever has the marker may touch it.
  init(lease: String, isSilent: Bool) {
    self.lease = lease
    nonce = lease + "/return"
    self.isSilent = isSilent
    place = isSilent ? .linking : .looking
    step = isSilent ? .link(.marker(of: lease)) : .look(.lease)
  }

  mutating func receive(_ answer: LeaseAnswer) {
    switch place {
    case .linking:
      if answer == .done { look() } else { ask(.look(.marker(of: lease)), .wasLinked) }
    case .wasLinked:
      // A waiter that has the marker replaces the file anyway.
      if case .claim(nonce: nonce, _) = answer { look() } else { step = nil }
    case .looking:
      if case .claim(nonce: lease, _) = answer { ask(.remove(.lease), .removing) } else { leave() }
    case .removing: leave()
    case .leaving: step = nil
    }
  }

  private mutating func ask(_ step: LeaseStep, _ place: Place) {
    self.step = step
    self.place = place
  }

  private mutating func look() { ask(.look(.lease), .looking) }

  private mutating func leave() {
    if isSilent { ask(.remove(.marker(of: lease)), .leaving) } else { step = nil }
  }
}
