// Memory known before the run: a plan names regions and their sizes, an arena maps all of them at
// once. Parameters, gradients, moments and activations each live in one.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The list of regions that an arena will hold. Nothing is allocated yet.
///
///     var plan = ArenaPlan()
///     let hidden = plan.add("hidden", rows: tokens, columns: width)
///     let arena = Arena(plan)
///     let x = arena[hidden]
public struct ArenaPlan: Sendable {
  /// A named place in the arena; make it with `ArenaPlan.add`.
  public struct Region: Sendable {
    public let name: String
    public let shape: Shape
    /// Distance from the arena's start, in numbers; a multiple of 16 (64 bytes).
    public let offset: Int
  }

  public private(set) var regions: [Region] = []
  private var next = 0
  /// Numbers that the arena needs, padding included.
  public private(set) var count = 0
  public var bytes: Int { count * MemoryLayout<Float>.stride }

  public init() {}

  /// A new region behind the last one, aligned to 64 bytes.
  @discardableResult
  public mutating func add(_ name: String, rows: Int, columns: Int) -> Region {
    let region = Region(name: name, shape: Shape(rows, columns), offset: next)
    let (end, overflow) = next.addingReportingOverflow((region.shape.count + 15) & ~15)
    precondition(!overflow, "region '\(name)' \(region.shape) does not fit into memory")
    next = end
    count = max(count, next)
    regions.append(region)
    return region
  }

  @discardableResult
  public mutating func add(_ name: String, count: Int) -> Region {
    add(name, rows: 1, columns: count)
  }

  /// Plans regions that are used at different times into the same place: everything that `body`
  /// adds is laid over what the next `overlay` adds at the same level.
  public mutating func overlay<Result>(_ body: (inout ArenaPlan) -> Result) -> Result {
    let start = next
    let result = body(&self)
    next = start
    return result
  }
}

/// One mapping of zeroed memory with the named regions of a plan; pages are touched on first use.
public final class Arena: @unchecked Sendable {
  // Unchecked: the pointer never changes; who writes where is the business of `parallelFor`.

  public let plan: ArenaPlan
  public let base: UnsafeMutablePointer<Float>
  private let mappedBytes: Int

  public init(_ plan: ArenaPlan) {
    self.plan = plan
    mappedBytes = max(plan.bytes, 4096)
    base = mapMemory(bytes: mappedBytes)
  }

  deinit { munmap(UnsafeMutableRawPointer(base), mappedBytes) }

  /// The region's memory. The view lives only as long as the arena.
  public subscript(region: ArenaPlan.Region) -> Tensor {
    precondition(
      region.offset + region.shape.count <= plan.count,
      "region '\(region.name)' \(region.shape) is not of this arena of \(plan.count) numbers")
    return Tensor(base + region.offset, rows: region.shape.rows, columns: region.shape.columns)
  }

  /// Every number of the arena as one row; for zeroing gradients and for norms.
  public var everything: Tensor { Tensor(base, count: plan.count) }
}

/// Fresh zeroed pages; huge pages are asked for where they pay.
func mapMemory(bytes: Int) -> UnsafeMutablePointer<Float> {
  let raw = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  guard let raw, raw != MAP_FAILED else {
    fatalError("the system refused \(bytes) bytes of memory (errno \(errno))")
  }
  #if os(Linux)
    if bytes >= 4 << 20 { madvise(raw, bytes, MADV_HUGEPAGE) }
  #endif
  return raw.bindMemory(to: Float.self, capacity: bytes / MemoryLayout<Float>.stride)
}
