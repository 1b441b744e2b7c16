// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { useEffect } from "react";
import { findStudy } from "../dicomweb";
import { useLoaded } from "../loading";
import { Page } from "../parts";

export function StudyPage({ uid }: { uid: string }) {
  const study = useLoaded((signal) => findStudy(uid, signal), [uid]);
  useEffect(() => {
    document.title = `${study.value?.patientName ?? ""} · Gantry`;
  }, [study.value]);
  return <Page title={<bdi>{study.value?.patientName}</bdi>}>{null}</Page>;
}
