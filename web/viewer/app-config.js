// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The viewer's settings: one data source, the DICOMweb of the server that the page comes from.
window.config = {
  name: "gantry",
  routerBasename: "/",
  showStudyList: false,
  extensions: [],
  modes: [],
  customizationService: {
    // No tour of the viewer lies over the first study.
    global: { "ohif.tours": { $set: [] } },
    // Label maps can be edited where they are seen, as in the viewer's own customizations/segmentation/segmentationEditing.jsonc.
    mode: {
      viewer: {
        toolbarButtons: { $push: [{ $reference: "cornerstone.segmentationToolbarButtons" }] },
        toolbarSections: { $push: [{ $reference: "cornerstone.segmentationToolbarSections" }] },
        toolGroupAdditions: {
          default: { $push: [{ $reference: "cornerstone.segmentationTools" }] },
          mpr: { $push: [{ $reference: "cornerstone.segmentationTools" }] },
        },
        "panelSegmentation.disableEditing": { $set: false },
        rightPanels: {
          $set: [
            "@ohif/extension-cornerstone.panelModule.panelSegmentationWithToolsLabelMap",
            "@ohif/extension-cornerstone.panelModule.panelSegmentationWithToolsContour",
            "@ohif/extension-measurement-tracking.panelModule.trackedMeasurements",
          ],
        },
      },
    },
  },
  maxNumberOfWebWorkers: 2,
  maxNumRequests: { interaction: 100, thumbnail: 75, prefetch: 25 },
  strictZSpacingForVolumeViewport: true,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showLoadingIndicator: true,
  investigationalUseDialog: { option: "never" },
  // Masks that were asked for are drawn without a question.
  disableConfirmationPrompts: true,
  defaultDataSourceName: "dicomweb",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "dicomweb",
      configuration: {
        friendlyName: "Gantry",
        name: "gantry",
        wadoUriRoot: "/dicom-web",
        qidoRoot: "/dicom-web",
        wadoRoot: "/dicom-web",
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        qidoSupportsIncludeField: true,
        supportsWildcard: true,
        supportsReject: false,
        supportsFuzzyMatching: false,
        enableStudyLazyLoad: true,
        dicomUploadEnabled: false,
        staticWado: false,
        omitQuotationForMultipartRequest: false,
        singlepart: "bulkdata,pdf,video",
        bulkDataURI: { enabled: true, relativeResolution: "studies" },
      },
    },
  ],
};
