// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { Button, Progress } from "@mantine/core";
import { useEffect, useRef, useState, type DragEvent } from "react";
import { findStudy, type Study } from "../dicomweb";
import { bytes, isoDate } from "../format";
import { UploadIcon } from "../icons";
import { useWords } from "../language";
import { useLoaded } from "../loading";
import { Link, Modalities, Page } from "../parts";
import { address } from "../router";
import { useUploads } from "../uploads";

function entryFiles(entry: FileSystemEntry): Promise<File[]> {
  return new Promise((resolve) => {
    if (entry.isFile) {
      (entry as FileSystemFileEntry).file(
        (file) => resolve([file]),
        () => resolve([]),
      );
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    const found: Promise<File[]>[] = [];
    // A reader gives at most a hundred entries at once, and none at the end.
    const next = () =>
      reader.readEntries(
        (entries) => {
          if (entries.length === 0) {
            void Promise.all(found).then((lists) => resolve(lists.flat()));
            return;
          }
          found.push(...entries.map(entryFiles));
          next();
        },
        () => resolve([]),
      );
    next();
  });
}

async function droppedFiles(transfer: DataTransfer): Promise<File[]> {
  const plain = [...transfer.files];
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null).filter((entry) => entry !== null);
  if (!entries.some((entry) => entry.isDirectory)) return plain;
  return (await Promise.all(entries.map(entryFiles))).flat();
}

function ArrivedStudies({ uids }: { uids: string[] }) {
  const { t, tn } = useWords();
  const shown = uids.slice(-20);
  const studies = useLoaded(async (signal) => (await Promise.all(shown.map((uid) => findStudy(uid, signal)))).filter((study): study is Study => study !== null), [shown.join()]);
  if (!studies.value || studies.value.length === 0) return null;
  return (
    <section aria-labelledby="arrived">
      <h2 id="arrived">{t("upload.studies")}</h2>
      <ul className="lines">
        {studies.value.map((study) => (
          <li key={study.uid}>
            <Link to={address.study(study.uid)}>
              <bdi>{study.patientName || t("worklist.no_name")}</bdi>
            </Link>
            <span className="quiet">
              <bdi>{[study.patientId, isoDate(study.date), study.description].filter(Boolean).join(" · ")}</bdi>
            </span>
            <Modalities list={study.modalities} />
            <span className="quiet tabular">{tn("study.images", study.instanceCount)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function UploadPage() {
  const { t, tn } = useWords();
  const uploads = useUploads();
  const fileField = useRef<HTMLInputElement>(null);
  const folderField = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  useEffect(() => {
    document.title = `${t("place.upload")} · Gantry`;
  }, [t]);

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    void droppedFiles(event.dataTransfer).then(uploads.add);
  }
  function take(field: HTMLInputElement) {
    uploads.add([...(field.files ?? [])]);
    field.value = "";
  }
  const percent = Math.floor(uploads.fraction * 100);
  const answered = uploads.stored + uploads.refused.length;
  const sent = uploads.files > 0 && uploads.running && uploads.sentBytes >= uploads.bytes;

  return (
    <Page title={t("upload.title")} lead={<span className="quiet">{t("upload.lead")}</span>}>
      <div
        className={`drop ${over ? "drop-over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <UploadIcon size={32} />
        <p>{t("upload.drop")}</p>
        <div className="row">
          <Button onClick={() => fileField.current?.click()}>{t("upload.files")}</Button>
          <Button variant="default" onClick={() => folderField.current?.click()}>
            {t("upload.folder")}
          </Button>
        </div>
        <input ref={fileField} type="file" multiple hidden aria-label={t("upload.files")} data-test="files" onChange={(event) => take(event.currentTarget)} />
        <input ref={folderField} type="file" hidden aria-label={t("upload.folder")} onChange={(event) => take(event.currentTarget)} {...{ webkitdirectory: "" }} />
      </div>

      {uploads.files > 0 || uploads.skipped > 0 ? (
        <section className="upload-state" aria-labelledby="upload-state">
          <h2 id="upload-state">{uploads.running ? (sent ? t("upload.storing") : t("upload.running")) : t("upload.done")}</h2>
          <Progress.Root size={10} radius="xl">
            <Progress.Section value={uploads.running ? percent : 100} aria-label={t("upload.progress")} color={uploads.refused.length > 0 && uploads.stored === 0 && !uploads.running ? "var(--first)" : undefined} />
          </Progress.Root>
          <dl className="figures">
            <div>
              <dt>{t("upload.sent")}</dt>
              <dd>{t("upload.of", { part: bytes(Math.min(uploads.sentBytes, uploads.bytes)), whole: bytes(uploads.bytes) })}</dd>
            </div>
            <div>
              <dt>{t("upload.stored")}</dt>
              <dd data-test="stored">{t("upload.of", { part: uploads.stored, whole: uploads.files })}</dd>
            </div>
            <div>
              <dt>{t("upload.refused")}</dt>
              <dd data-test="refused">{uploads.refused.length}</dd>
            </div>
            {uploads.skipped > 0 ? (
              <div>
                <dt>{t("upload.skipped")}</dt>
                <dd>{uploads.skipped}</dd>
              </div>
            ) : null}
          </dl>
          <p className="hidden" role="status">
            {uploads.running ? "" : tn("upload.announce", answered)}
          </p>
          <div className="row">
            {uploads.running ? (
              <Button variant="default" onClick={uploads.cancel}>
                {t("upload.cancel")}
              </Button>
            ) : (
              <Button variant="default" onClick={uploads.clear}>
                {t("upload.clear")}
              </Button>
            )}
          </div>
        </section>
      ) : null}

      {uploads.studies.length > 0 ? <ArrivedStudies uids={uploads.studies} /> : null}

      {uploads.refused.length > 0 ? (
        <section aria-labelledby="refused">
          <h2 id="refused">{t("upload.refused_title")}</h2>
          <div className="table-frame">
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">{t("upload.file")}</th>
                  <th scope="col">{t("upload.reason")}</th>
                </tr>
              </thead>
              <tbody>
                {uploads.refused.slice(0, 100).map((one, index) => (
                  <tr key={index}>
                    <td>
                      <bdi>{one.file}</bdi>
                    </td>
                    <td>
                      <bdi>{one.reason || t("error.unreachable")}</bdi>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {uploads.refused.length > 100 ? <p className="quiet">{t("upload.first_hundred")}</p> : null}
        </section>
      ) : null}
    </Page>
  );
}
