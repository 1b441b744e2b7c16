// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The viewer's settings: one data source, the DICOMweb of the server that the page comes from.
window.config = {
  name: "gantry",
  routerBasename: "/",
  showStudyList: false,
  extensions: [],
  modes: [],
  // No tour of the viewer lies over the first study.
  customizationService: [{ "ohif.tours": { $set: [] } }],
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
