// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
#include "gantry/catalogue/catalogue.h"

#include "gantry/annotation/agreement.h"
#include "gantry/annotation/version_history.h"
#include "gantry/cohort/association_search.h"
#include "gantry/cohort/roc_analysis.h"
#include "gantry/cohort/survival_analysis.h"
#include "gantry/compression/recompression.h"
#include "gantry/filter/bias_correction.h"
#include "gantry/filter/distance_map.h"
#include "gantry/filter/gaussian_smoothing.h"
#include "gantry/filter/mask_morphology.h"
#include "gantry/filter/median_filter.h"
#include "gantry/filter/non_local_means.h"
#include "gantry/filter/resampling.h"
#include "gantry/generation/denoiser.h"
#include "gantry/quality/compare.h"
#include "gantry/quality/study.h"
#include "gantry/radiomics/extract.h"
#include "gantry/radiotherapy/dvh.h"
#include "gantry/radiotherapy/gamma.h"
#include "gantry/reconstruction/filtered_backprojection.h"
#include "gantry/reconstruction/fourier.h"
#include "gantry/reconstruction/ordered_subsets.h"
#include "gantry/reconstruction/plane_wave.h"
#include "gantry/registration/apply.h"
#include "gantry/registration/bspline.h"
#include "gantry/registration/rigid.h"
#include "gantry/report/negation_detection.h"
#include "gantry/report/report_text.h"
#include "gantry/retrieval/index.h"
#include "gantry/retrieval/search.h"
#include "gantry/segmentation/compare.h"
#include "gantry/segmentation/component_labels.h"
#include "gantry/segmentation/otsu.h"
#include "gantry/segmentation/threshold.h"
#include "gantry/simulation/projection.h"
#include "gantry/simulation/ultrasound.h"
#include "gantry/video/read.h"
#include "gantry/video/track.h"
#include "gantry/visualization/mip.h"
#include "gantry/visualization/overlay.h"
#include "gantry/visualization/reformat.h"

namespace gantry {

const Catalogue& catalogue() {
  static const Catalogue all = [] {
    Catalogue c;
    c.add<GaussianSmoothing>("filter.gaussian");
    c.add<MedianFilter>("filter.median");
    c.add<NonLocalMeans>("filter.nlm");
    c.add<BiasCorrection>("filter.n4");
    c.add<Resampling>("filter.resample");
    c.add<DistanceMap>("filter.distance");
    c.add<MaskMorphology>("filter.morphology");
    c.add<Threshold>("segmentation.threshold");
    c.add<OtsuThreshold>("segmentation.otsu");
    c.add<ComponentLabels>("segmentation.connected_components");
    c.add<CompareLabels>("segmentation.compare");
    c.add<IntensityProjection>("visualization.mip");
    c.add<Overlay>("visualization.overlay");
    c.add<Reformat>("visualization.reformat");
    c.add<RadiomicsExtraction>("radiomics.extract");
    c.add<CompareImages>("quality.compare");
    c.add<StudyQuality>("quality.study");
    c.add<DoseVolumeHistograms>("radiotherapy.dvh");
    c.add<DoseGamma>("radiotherapy.gamma");
    c.add<RigidRegistration>("registration.rigid");
    c.add<SplineRegistration>("registration.bspline");
    c.add<ApplyTransform>("registration.apply");
    c.add<ApplyToPoints>("registration.apply_points");
    c.add<FilteredBackprojection>("reconstruction.fbp");
    c.add<OrderedSubsets>("reconstruction.osem");
    c.add<FourierReconstruction>("reconstruction.mr");
    c.add<PlaneWaveBeamforming>("reconstruction.beamform");
    c.add<ProjectionScan>("simulation.project");
    c.add<Denoiser>("generation.denoise");
    c.add<Recompression>("compression.recompress");
    c.add<UltrasoundScan>("simulation.ultrasound");
    c.add<NegationDetection>("report.negation");
    c.add<ReportText>("report.text");
    c.add<VideoReading>("video.read");
    c.add<PointTracking>("video.track");
    c.add<PictureIndexing>("retrieval.index");
    c.add<SimilarPictures>("retrieval.search");
    c.add<AnnotationVersions>("annotation.versions");
    c.add<RaterAgreement>("annotation.agreement");
    c.add<RocAnalysis>("statistics.roc");
    c.add<SurvivalAnalysis>("statistics.survival");
    c.add<AssociationSearch>("statistics.association");
    return c;
  }();
  return all;
}

}  // namespace gantry
