// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The frame of every page: rail with the places, language, theme and account; on a phone a bar at the bottom.
import { Button, Menu, Modal, PasswordInput, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useState, type FormEvent, type ReactNode } from "react";
import { administrator, changePassword, logOut, ServerError, signedOut } from "./api";
import { GantryMark, JobsIcon, KeyboardIcon, ListIcon, ModelIcon, MoonIcon, PeopleIcon, PersonIcon, RulesIcon, SunIcon, UploadIcon } from "./icons";
import { useKeys } from "./keyboard";
import { useWords, type Key } from "./language";
import { Link } from "./parts";
import { address, navigate, type Place } from "./router";
import { useUploads } from "./uploads";

export function LanguageButton() {
  const { language, setLanguage } = useWords();
  const other = language === "en" ? "zh" : "en";
  return (
    <UnstyledButton className="rail-button" lang={other === "zh" ? "zh-CN" : "en"} onClick={() => setLanguage(other)} data-test="language">
      <span className="rail-glyph" aria-hidden="true">
        {other === "zh" ? "文" : "A"}
      </span>
      <span>{other === "zh" ? "中文" : "English"}</span>
    </UnstyledButton>
  );
}

export function ThemeButton() {
  const { t } = useWords();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const dark = colorScheme === "dark" || (colorScheme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  return (
    <UnstyledButton className="rail-button" onClick={() => setColorScheme(dark ? "light" : "dark")} data-test="theme">
      {dark ? <SunIcon /> : <MoonIcon />}
      <span>{dark ? t("theme.light") : t("theme.dark")}</span>
    </UnstyledButton>
  );
}

function PasswordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useWords();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [trouble, setTrouble] = useState("");
  const [done, setDone] = useState(false);
  function close() {
    setOld("");
    setFresh("");
    setTrouble("");
    setDone(false);
    onClose();
  }
  async function submit(event: FormEvent) {
    event.preventDefault();
    try {
      await changePassword(old, fresh);
      setDone(true);
    } catch (error) {
      setTrouble(error instanceof ServerError && error.message ? error.message : t("error.unknown"));
    }
  }
  return (
    <Modal opened={opened} onClose={close} title={t("password.title")} closeButtonProps={{ "aria-label": t("action.close") }}>
      {done ? (
        <div className="stack">
          <p>{t("password.done")}</p>
          <Button onClick={close}>{t("action.close")}</Button>
        </div>
      ) : (
        <form className="stack" onSubmit={submit}>
          {trouble ? (
            <p className="banner banner-first" role="alert">
              {trouble}
            </p>
          ) : null}
          <PasswordInput label={t("password.old")} value={old} onChange={(event) => setOld(event.currentTarget.value)} autoComplete="current-password" required data-autofocus />
          <PasswordInput label={t("password.new")} value={fresh} onChange={(event) => setFresh(event.currentTarget.value)} autoComplete="new-password" required />
          <Button type="submit">{t("password.submit")}</Button>
        </form>
      )}
    </Modal>
  );
}

const keyRows: [string[], Key][] = [
  [["?"], "keys.help"],
  [["g", "w"], "keys.worklist"],
  [["g", "u"], "keys.upload"],
  [["g", "b"], "keys.jobs"],
  [["g", "m"], "keys.models"],
  [["g", "r"], "keys.rules"],
  [["g", "p"], "keys.users"],
  [["/"], "keys.search"],
  [["j", "k"], "keys.rows"],
  [["Enter"], "keys.open"],
  [["↑", "↓"], "keys.slices"],
  [["PgUp", "PgDn"], "keys.ten_slices"],
  [["Home", "End"], "keys.ends"],
  [["1", "…", "5"], "keys.window"],
  [["Esc"], "keys.back"],
];

function KeysDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useWords();
  return (
    <Modal opened={opened} onClose={onClose} title={t("keys.title")} closeButtonProps={{ "aria-label": t("action.close") }}>
      <table className="keys">
        <tbody>
          {keyRows.map(([keys, meaning]) => (
            <tr key={meaning}>
              <th scope="row">
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </th>
              <td>{t(meaning)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Modal>
  );
}

export function Shell({ user, place, children }: { user: string; place: Place; children: ReactNode }) {
  const { t } = useWords();
  const uploads = useUploads();
  const [keysShown, setKeysShown] = useState(false);
  const [passwordShown, setPasswordShown] = useState(false);
  const [going, setGoing] = useState(false);
  const go = (to: string) => () => {
    if (!going) return false;
    setGoing(false);
    navigate(to);
    return true;
  };
  useKeys({
    "?": () => setKeysShown(true),
    g: () => {
      setGoing(true);
      window.setTimeout(() => setGoing(false), 1500);
    },
    w: go(address.worklist()),
    u: go(address.upload()),
    b: go(address.jobs()),
    m: go(address.models()),
    r: go(address.rules()),
    p: go(address.users()),
  });
  const leave = () => {
    logOut().then(signedOut, signedOut);
  };
  const places: { to: string; here: boolean; icon: ReactNode; words: string }[] = [
    { to: address.worklist(), here: place.page === "worklist" || place.page === "study", icon: <ListIcon />, words: t("place.worklist") },
    { to: address.upload(), here: place.page === "upload", icon: <UploadIcon />, words: uploads.running ? t("place.upload_running", { percent: Math.floor(uploads.fraction * 100) }) : t("place.upload") },
    { to: address.jobs(), here: place.page === "jobs", icon: <JobsIcon />, words: t("place.jobs") },
    { to: address.models(), here: place.page === "models", icon: <ModelIcon />, words: t("place.models") },
    { to: address.rules(), here: place.page === "rules", icon: <RulesIcon />, words: t("place.rules") },
    ...(user === administrator ? [{ to: address.users(), here: place.page === "users", icon: <PeopleIcon />, words: t("place.users") }] : []),
  ];
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t("action.skip")}
      </a>
      <nav className="rail" aria-label={t("place.navigation")}>
        <div className="brand">
          <GantryMark />
          <span>Gantry</span>
        </div>
        <ul className="rail-places">
          {places.map(({ to, here, icon, words }) => (
            <li key={to}>
              <Link to={to} className="rail-link" current={here}>
                {icon}
                <span>{words}</span>
              </Link>
            </li>
          ))}
        </ul>
        <div className="rail-tools">
          <UnstyledButton className="rail-button rail-keys" onClick={() => setKeysShown(true)}>
            <KeyboardIcon />
            <span>{t("keys.title")}</span>
          </UnstyledButton>
          <LanguageButton />
          <ThemeButton />
          <Menu position="top-start" width={220}>
            <Menu.Target>
              <UnstyledButton className="rail-button" data-test="account">
                <PersonIcon />
                <span>
                  <bdi>{user}</bdi>
                </span>
              </UnstyledButton>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => setPasswordShown(true)}>{t("password.title")}</Menu.Item>
              <Menu.Item onClick={leave}>{t("action.log_out")}</Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </div>
      </nav>
      <div className="content-column">
        <main id="content" className="content" tabIndex={-1}>
          {children}
        </main>
        <footer className="foot quiet small">{t("notice.not_a_medical_device")}</footer>
      </div>
      <KeysDialog opened={keysShown} onClose={() => setKeysShown(false)} />
      <PasswordDialog opened={passwordShown} onClose={() => setPasswordShown(false)} />
    </div>
  );
}
