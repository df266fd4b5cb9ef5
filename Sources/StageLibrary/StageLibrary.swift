// The list of native stage kinds. One file of this folder for each folder of stages/.

import Scheduling

public enum StageLibrary {
  /// Every native body, sorted by kind.
  public static let bodies: [any StageBody.Type] = [
    ComposeCorpusStage.self, EvaluateModelStage.self, ExportModelStage.self, FineTuneStage.self,
    FineTuneAdapterStage.self, GenerateCorpusStage.self, ImportCorpusStage.self,
    ImportEncoderStage.self, ImportModelStage.self, InitialiseEncoderStage.self,
    InitialiseModelStage.self, MitigateStage.self, ReportStage.self, ScoreBiasStage.self,
    ScoreQualityStage.self, SimulateEstimationStage.self, TrainClassifierStage.self,
    TrainTokenizerStage.self,
  ]
}
