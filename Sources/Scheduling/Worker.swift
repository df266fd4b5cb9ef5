public enum Worker {
  /// - Parameter describeKernels: the BLAS kernels in use (`openblas_get_corename()`).
  public static func main(
    orderPath: String, bodies: [any StageBody.Type],
    describeKernels: @Sendable () -> String? = { nil }
  ) -> Int32 { fatalError("to come") }
}
