// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { useCallback, useEffect, useState } from "react";
import { onSignedOut, sessionUser } from "./api";
import { LanguageProvider, useWords } from "./language";
import { JobsPage } from "./pages/jobs";
import { LoginPage } from "./pages/login";
import { ModelPage, ModelsPage } from "./pages/models";
import { RulesPage } from "./pages/rules";
import { StudyPage } from "./pages/study";
import { UploadPage } from "./pages/upload";
import { UsersPage } from "./pages/users";
import { WorklistPage } from "./pages/worklist";
import { Failure, Link, Notice } from "./parts";
import { address, placeOf, usePath } from "./router";
import { Shell } from "./shell";
import { resolver, theme } from "./theme";
import { UploadsProvider } from "./uploads";

type Session = { state: "asking" } | { state: "failed"; error: unknown } | { state: "out"; ended: boolean } | { state: "in"; user: string };

function Pages({ user }: { user: string }) {
  const { t } = useWords();
  const place = placeOf(usePath());
  if (place.page === "worklist") return <WorklistPage />;
  if (place.page === "study") return <StudyPage key={place.study} uid={place.study} />;
  if (place.page === "upload") return <UploadPage />;
  if (place.page === "jobs") return <JobsPage chosen={place.job} />;
  if (place.page === "models") return place.model === null ? <ModelsPage /> : <ModelPage key={place.model} name={place.model} />;
  if (place.page === "rules") return <RulesPage />;
  if (place.page === "users") return <UsersPage user={user} />;
  return (
    <Notice whole title={t("nowhere.title")} action={<Link to={address.worklist()}>{t("nowhere.action")}</Link>}>
      {t("nowhere.words")}
    </Notice>
  );
}

function Guarded() {
  const [session, setSession] = useState<Session>({ state: "asking" });
  const place = placeOf(usePath());
  const check = useCallback(() => {
    setSession({ state: "asking" });
    sessionUser().then(
      (user) => setSession(user === null ? { state: "out", ended: false } : { state: "in", user }),
      (error: unknown) => setSession({ state: "failed", error }),
    );
  }, []);
  useEffect(() => {
    onSignedOut(() => setSession((before) => (before.state === "in" ? { state: "out", ended: true } : before)));
    check();
  }, [check]);
  if (session.state === "asking") return null;
  if (session.state === "failed") return <Failure whole error={session.error} retry={check} />;
  if (session.state === "out") return <LoginPage ended={session.ended} onLogin={(user) => setSession({ state: "in", user })} />;
  return (
    <UploadsProvider>
      <Shell user={session.user} place={place}>
        <Pages user={session.user} />
      </Shell>
    </UploadsProvider>
  );
}

const schemes = localStorageColorSchemeManager({ key: "gantry.theme" });

export function App() {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={resolver} colorSchemeManager={schemes} defaultColorScheme="auto" withGlobalClasses={false}>
      <LanguageProvider>
        <Guarded />
      </LanguageProvider>
    </MantineProvider>
  );
}
