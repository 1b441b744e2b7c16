// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Sets theme and language before the first paint, so that a dark page never flashes white.
(function () {
  let theme = null;
  let language = null;
  try {
    theme = localStorage.getItem("gantry.theme");
    language = localStorage.getItem("gantry.language");
  } catch {
    // Storage may be switched off: the defaults hold.
  }
  if (theme !== "light" && theme !== "dark") theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.setAttribute("data-mantine-color-scheme", theme);
  if (language === "zh" || (language !== "en" && /^zh\b/i.test(navigator.language))) document.documentElement.lang = "zh-CN";
})();
