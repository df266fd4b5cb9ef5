// How frames are judged: by the marker's reference, or by one of the measures that others use.

import Foundation
import Imaging

/// A measure, where it is taken, and what it needs.
public struct JudgingMethod: Sendable, Equatable, Hashable {
  public enum Mode: String, Sendable, CaseIterable {
    case markerReference = "marker-reference"
    /// Jain et al. 2021: variance of the Laplacian, blurred below 12.
    case laplacian = "jain2021-laplacian"
    /// Jain et al. 2021: mean logarithm of high frequencies, blurred at or below −4.
    case fft = "jain2021-fft"
    case tenengrad
    case blurEffect = "blur-effect"
  }

  public enum Region: String, Sendable, CaseIterable { case marker, image }

  public let mode: Mode
  public let region: Region
  /// Half the side of the block of frequencies that `jain2021-fft` takes out.
  public let fftSize: Int

  public init(_ mode: Mode, region: Region = .marker, fftSize: Int = 40) {
    self.mode = mode
    // The reference is of the marker: there is no other region.
    self.region = mode == .markerReference ? .marker : region
    self.fftSize = fftSize
  }

  /// "jain2021-laplacian on the image"
  public var words: String {
    if mode == .markerReference { return mode.rawValue }
    let size = mode == .fft && fftSize != 40 ? " (size \(fftSize))" : ""
    return "\(mode.rawValue)\(size) on the \(region.rawValue)"
  }

  /// The published threshold, in the measure's own unit.
  public var publishedThreshold: Double? {
    switch mode {
    case .laplacian: 12
    case .fft: -4
    case .markerReference, .tenengrad, .blurEffect: nil
    }
  }

  /// - Parameters:
  ///   - image: all of a frame.
  ///   - box: the marker.
  public func measure(_ image: GrayImage, box: PixelBox) -> Double {
    let part = region == .image ? image : image.cropped(to: box)
    switch mode {
    case .markerReference:
      preconditionFailure("marker-reference has measures of its own")
    case .laplacian: return Sharpness.laplacianVariance(part)
    case .fft: return Sharpness.highFrequencies(part, size: fftSize)
    case .tenengrad: return Sharpness.tenengrad(part)
    case .blurEffect: return Sharpness.blurEffect(part)
    }
  }

  /// Grows with blur, on a scale on which sharp frames of one camera spread about evenly: −ln of an
  /// energy, −1/10 of 20·ln, blur_effect as it is.
  public func blurriness(_ measure: Double) -> Double {
    switch mode {
    case .markerReference: log(max(measure, 1e-6))
    case .laplacian, .tenengrad: -log(max(measure, 1e-6))
    case .fft: max(-100, min(100, -measure / 10))
    case .blurEffect: 10 * measure
    }
  }

  /// What the published program says; nil exactly at the Laplacian's threshold, where it says nothing.
  public func publishedVerdict(_ measure: Double) -> Bool? {
    guard let threshold = publishedThreshold else { return nil }
    switch mode {
    case .laplacian: return measure == threshold ? nil : measure < threshold
    default: return measure <= threshold
    }
  }
}
