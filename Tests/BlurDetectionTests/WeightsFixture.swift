// Printed by fixtures/weights.py with scikit-learn 1.x.

enum WeightsFixture {
  static let intercept = -2.4637694135941053
  static let slope = 0.9855077655702096
}
