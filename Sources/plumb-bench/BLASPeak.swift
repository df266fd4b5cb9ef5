// What OpenBLAS itself reaches: the measure for everything else, also where products are our own.

import Foundation
import Glibc
import Tensors

enum BLASPeak {
  private typealias Product =
    @convention(c) (
      Int32, Int32, Int32, Int32, Int32, Int32, Float, UnsafePointer<Float>, Int32,
      UnsafePointer<Float>, Int32, Float, UnsafeMutablePointer<Float>, Int32
    ) -> Void
  private typealias SetThreads = @convention(c) (Int32) -> Void

  /// The library is in this process already, since Tensors calls it.
  private static func symbol<T>(_ name: String, as type: T.Type) -> T {
    guard let address = dlsym(nil, name) else {
      preconditionFailure("the BLAS of this process has no \(name)")
    }
    return unsafeBitCast(address, to: type)
  }

  /// The product 2048×2048×2048 by OpenBLAS with its own threads, as many as Plumb's.
  static func bench() -> Bench {
    let product = symbol("cblas_sgemm", as: Product.self)
    symbol("openblas_set_num_threads", as: SetThreads.self)(Int32(Parallelism.threads))
    let memory = Buffers()
    let n = 2048
    let size = Int32(n)
    let (a, b, c) = (memory.filled(n, n), memory.filled(n, n), memory.filled(n, n))
    let (rowMajor, plain, transposed): (Int32, Int32, Int32) = (101, 111, 112)
    return memory.bench("peak: OpenBLAS 2048×2048×2048", operations: 2 * Double(n * n * n)) {
      product(
        rowMajor, plain, transposed, size, size, size, 1, a.data, size, b.data, size, 0, c.data,
        size)
    }
  }

  static func measure(runs: Int) -> Measurement {
    let measurement = bench().measure(runs: runs)
    // As Tensors sets it.
    symbol("openblas_set_num_threads", as: SetThreads.self)(1)
    return measurement
  }
}
