// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The look of reports, PDF and console: tokens for light and dark, laid under the component library.
import { createTheme, defaultVariantColorsResolver, type CSSVariablesResolver, type MantineColorsTuple } from "@mantine/core";

const light = { background: "#ffffff", panel: "#f5f7f8", text: "#14181f", quiet: "#586474", line: "#dde3e8", accent: "#0b6e75", onAccent: "#ffffff", accentStrong: "#095a60", field: "#7d8895" };
const dark = { background: "#0f1216", panel: "#171b21", text: "#e8ebef", quiet: "#9aa5b1", line: "#2a3038", accent: "#56c5ca", onAccent: "#0f1216", accentStrong: "#78d6da", field: "#6b7683" };

const accent: MantineColorsTuple = ["#e4f4f5", "#c9e8ea", "#9fd7da", "#78d6da", "#56c5ca", "#2fa3a9", "#178389", "#0b6e75", "#095a60", "#06474c"];

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 7, dark: 4 },
  colors: { accent },
  variantColorResolver: (input) => {
    const colours = defaultVariantColorsResolver(input);
    return input.variant === "filled" ? { ...colours, color: "var(--on-accent)" } : colours;
  },
  fontFamily: '"Inter Variable", Inter, "Noto Sans", "Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SFMono-Regular", Menlo, Consolas, "Noto Sans Mono", monospace',
  fontSizes: { xs: "12.5px", sm: "14px", md: "15px", lg: "16px", xl: "22px" },
  lineHeights: { xs: "1.45", sm: "1.5", md: "1.6", lg: "1.5", xl: "1.35" },
  radius: { xs: "4px", sm: "4px", md: "5px", lg: "6px", xl: "6px" },
  defaultRadius: "md",
  headings: { fontWeight: "650", sizes: { h1: { fontSize: "22px", lineHeight: "1.35" }, h2: { fontSize: "16px", lineHeight: "1.5" }, h3: { fontSize: "15px", lineHeight: "1.5" } } },
  shadows: { xs: "none", sm: "none", md: "none", lg: "none", xl: "none" },
  cursorType: "pointer",
  focusRing: "auto",
});

function variables(tokens: typeof light): Record<string, string> {
  return {
    "--mantine-color-body": tokens.background,
    "--mantine-color-text": tokens.text,
    "--mantine-color-dimmed": tokens.quiet,
    "--mantine-color-placeholder": tokens.quiet,
    "--mantine-color-default": tokens.background,
    "--mantine-color-default-hover": tokens.panel,
    "--mantine-color-default-color": tokens.text,
    "--mantine-color-default-border": tokens.field,
    "--mantine-color-anchor": tokens.accent,
    "--mantine-color-error": tokens === light ? "#a3231f" : "#f19a94",
    "--mantine-primary-color-filled": tokens.accent,
    "--mantine-primary-color-filled-hover": tokens.accentStrong,
    "--mantine-primary-color-contrast": tokens.onAccent,
    "--background": tokens.background,
    "--panel": tokens.panel,
    "--text": tokens.text,
    "--quiet": tokens.quiet,
    "--line": tokens.line,
    "--accent": tokens.accent,
    "--on-accent": tokens.onAccent,
    "--field": tokens.field,
    "--first": tokens === light ? "#a3231f" : "#f19a94",
    "--first-tint": tokens === light ? "#fdeceb" : "#2f1a19",
    "--note": tokens === light ? "#8a5200" : "#f0bd6a",
    "--note-tint": tokens === light ? "#fff5e2" : "#2b2314",
    "--usual": tokens === light ? "#1f6b3b" : "#8fd3a6",
    "--usual-tint": tokens === light ? "#e9f5ed" : "#16261c",
    "--chosen": tokens === light ? "#e4f1f2" : "#15292c",
  };
}

export const resolver: CSSVariablesResolver = () => ({ variables: {}, light: variables(light), dark: variables(dark) });
