// Which kernels OpenBLAS runs, and whether they are what this CPU deserves. Old OpenBLAS versions
// fall back to SSE3 on CPUs that they do not know ("the Prescott trap": a fifth of the speed).

import COpenBLAS

/// What is known about the BLAS of this process.
public enum BLASInfo {
  /// Kernels that `OPENBLAS_CORETYPE` should name on this CPU; nil if there is nothing to say.
  /// The variable is read when the library is loaded: a parent process has to set it.
  public static let recommendedCore: String? =
    switch plumb_vector_level() {
    case 2: "SkylakeX"
    case 1: "Haswell"
    default: nil
    }

  /// The kernels in use, such as `SkylakeX`.
  public static var coreName: String { String(cString: openblas_get_corename()) }

  /// A sentence if the kernels are below what the CPU offers, nil if all is well.
  public static var warning: String? {
    warning(core: coreName, recommended: recommendedCore)
  }

  static func warning(core: String, recommended: String?) -> String? {
    guard let recommended, level(core) < level(recommended) else { return nil }
    return "OpenBLAS runs its '\(core)' kernels, this CPU offers '\(recommended)': "
      + "set OPENBLAS_CORETYPE=\(recommended) before the program starts"
  }

  /// 2 AVX-512, 1 AVX2, 0 older.
  private static func level(_ core: String) -> Int {
    switch core.lowercased() {
    case "skylakex", "cooperlake", "sapphirerapids": 2
    case "haswell", "zen", "excavator": 1
    default: 0
    }
  }

  /// One BLAS thread: `Matmul` splits the work itself. Touched once before the first product.
  static let singleThreaded: Void = openblas_set_num_threads(1)
}
