// Point-wise loops over raw memory. LLVM vectorises them as they stand.

/// y += x.
public func add(_ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, _ count: Int) {
  for i in 0..<count { y[i] += x[i] }
}

/// y = a + b; may be either.
public func add(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
  _ count: Int
) {
  // In place on two pointers: three that overlap would go number by number.
  if a == UnsafePointer(y) {
    add(b, into: y, count)
  } else if b == UnsafePointer(y) {
    add(a, into: y, count)
  } else {
    for i in 0..<count { y[i] = a[i] + b[i] }
  }
}

/// x *= a.
public func scale(_ x: UnsafeMutablePointer<Float>, by a: Float, _ count: Int) {
  for i in 0..<count { x[i] *= a }
}

/// y *= x, number by number.
public func multiply(
  _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, _ count: Int
) {
  for i in 0..<count { y[i] *= x[i] }
}
