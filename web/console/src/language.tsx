// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// English and Chinese: two dictionaries with the same keys; `one` and `other` forms where a number decides.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import en from "./language/en.json";
import zh from "./language/zh.json";

export type Key = keyof typeof en;
export type Language = "en" | "zh";

const dictionaries: Record<Language, Record<Key, string>> = { en, zh };

type Plural = { [K in Key]: K extends `${infer Stem}.one` ? Stem : never }[Key];
type Values = Record<string, string | number>;

export interface Words {
  language: Language;
  setLanguage: (language: Language) => void;
  t: (key: Key, values?: Values) => string;
  /** The form for `count`, which also fills {count}. */
  tn: (stem: Plural, count: number, values?: Values) => string;
}

const Context = createContext<Words | null>(null);
const storageKey = "gantry.language";

function stored(): Language {
  try {
    const value = localStorage.getItem(storageKey);
    if (value === "en" || value === "zh") return value;
  } catch {
    // Storage may be switched off.
  }
  return /^zh\b/i.test(navigator.language) ? "zh" : "en";
}

function filled(template: string, values?: Values): string {
  return values ? template.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : template;
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setState] = useState(stored);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const setLanguage = useCallback((next: Language) => {
    setState(next);
    try {
      localStorage.setItem(storageKey, next);
    } catch {
      // It then holds until the page is left.
    }
  }, []);
  const words = useMemo<Words>(() => {
    const dictionary = dictionaries[language];
    const plural = new Intl.PluralRules(language);
    return {
      language,
      setLanguage,
      t: (key, values) => filled(dictionary[key], values),
      tn: (stem, count, values) => {
        const form = plural.select(count) === "one" ? "one" : "other";
        return filled(dictionary[`${stem}.${form}` as Key], { count, ...values });
      },
    };
  }, [language, setLanguage]);
  return <Context.Provider value={words}>{children}</Context.Provider>;
}

export function useWords(): Words {
  const words = useContext(Context);
  if (!words) throw new Error("useWords: needs a LanguageProvider above");
  return words;
}
