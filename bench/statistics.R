# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The Gantry authors
# What R does of a table: statistics.R roc|survival TABLE.csv
words <- commandArgs(trailingOnly = TRUE)
table <- read.csv(words[2])
if (words[1] == "roc") {
  curve <- pROC::roc(table$label, table$score, direction = "<", levels = c(0, 1), quiet = TRUE)
  print(pROC::ci.auc(curve), digits = 12)
} else {
  suppressMessages(library(survival))
  survfit(Surv(time, event) ~ group, data = table)
  print(survdiff(Surv(time, event) ~ group, data = table)$chisq, digits = 12)
  print(coef(coxph(Surv(time, event) ~ a + b + c + d + e, data = table)), digits = 12)
}
