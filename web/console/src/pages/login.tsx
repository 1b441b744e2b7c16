// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { logIn, ServerError, serverVersion } from "../api";
import { GantryMark } from "../icons";
import { useWords } from "../language";
import { LanguageButton, ThemeButton } from "../shell";

type Trouble = "wrong" | "too_many" | "unreachable" | "other";

export function LoginPage({ ended, onLogin }: { ended: boolean; onLogin: (user: string) => void }) {
  const { t } = useWords();
  const [user, setUser] = useState("admin");
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [busy, setBusy] = useState(false);
  const [version, setVersion] = useState("");
  const passwordField = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = `${t("login.title")} · Gantry`;
  }, [t]);
  useEffect(() => {
    serverVersion().then(setVersion, () => setTrouble("unreachable"));
  }, []);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    try {
      onLogin(await logIn(user.trim(), password));
    } catch (error) {
      const status = error instanceof ServerError ? error.status : -1;
      setTrouble(status === 401 ? "wrong" : status === 429 ? "too_many" : status === 0 ? "unreachable" : "other");
      setBusy(false);
      passwordField.current?.focus();
      passwordField.current?.select();
    }
  }

  return (
    <div className="login">
      <main className="login-box">
        <div className="login-head">
          <GantryMark size={36} />
          <h1>{t("login.title")}</h1>
        </div>
        {ended && !trouble ? (
          <p className="banner banner-note" role="status">
            {t("login.ended")}
          </p>
        ) : null}
        {trouble ? (
          <p className="banner banner-first" role="alert">
            {t(`login.${trouble}`)}
          </p>
        ) : null}
        <form onSubmit={submit}>
          <TextInput label={t("login.user")} value={user} onChange={(event) => setUser(event.currentTarget.value)} autoComplete="username" required withAsterisk={false} maxLength={100} />
          <PasswordInput
            ref={passwordField}
            label={t("login.password")}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            required
            withAsterisk={false}
            autoFocus
            visibilityToggleButtonProps={{ "aria-label": t("login.show_password"), tabIndex: 0 }}
          />
          <Button type="submit" fullWidth loading={busy}>
            {t("login.submit")}
          </Button>
        </form>
        <p className="quiet small">{t("login.first_start")}</p>
      </main>
      <footer className="login-foot">
        <span className="quiet small">
          {version ? `Gantry ${version} · ` : ""}
          {t("notice.not_a_medical_device")}
        </span>
        <span className="login-tools">
          <LanguageButton />
          <ThemeButton />
        </span>
      </footer>
    </div>
  );
}
