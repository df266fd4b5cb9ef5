// The list of native stage kinds. One file of this folder for each folder of stages/.

import Scheduling

public enum StageLibrary {
  /// Every native body, sorted by kind.
  public static let bodies: [any StageBody.Type] = [
    AblateNeuronsStage.self, AnalyseDriftStage.self, AnalyseEmojiStage.self,
    AnswerQuestionsStage.self,
    AttributeNeuronsStage.self,
    AuditJudgeStage.self, CalibrateCameraStage.self, ClassifyBlurStage.self,
    CompareAblationsStage.self, CompareEstimationsStage.self, CompareProjectionsStage.self,
    CompareTraitsStage.self,
    ComposeBenchmarkStage.self, ComposeCorpusStage.self, ComposeFactsStage.self,
    ComposeGibberishStage.self,
    ComposeOpinionsStage.self, ContrastEmojiStage.self,
    DegradeCorpusStage.self, EditInContextStage.self, EditWithNetworkStage.self,
    EvaluateClassifierStage.self,
    EvaluateModelStage.self, ExplainTraitStage.self,
    ExportModelStage.self, FineTuneStage.self, FineTuneAdapterStage.self, FitBlurStage.self,
    GenerateCorpusStage.self, GenerateOpinionsStage.self,
    ImportCorpusStage.self, ImportEncoderStage.self,
    ImportFramesStage.self, ImportModelStage.self, InitialiseEncoderStage.self,
    InitialiseModelStage.self, MitigateStage.self, MixAdaptersStage.self, ProbeAnswersStage.self,
    ProjectBiasStage.self, ReanalyseTablesStage.self,
    RenderSkyStage.self, ReportStage.self, ScoreAdjectivesStage.self, ScoreBiasStage.self,
    ScoreQualityStage.self,
    ScoreStatementsStage.self, ScoreTraitStage.self, SimulateEstimationStage.self,
    SuggestMarkerStage.self,
    TakeInventoryStage.self, TrainClassifierStage.self, TrainTokenizerStage.self,
    TuneTraitStage.self,
  ]
}
