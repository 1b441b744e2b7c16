// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Who may log in. The administrator alone sees and changes it.
import { Button, Modal, PasswordInput, TextInput } from "@mantine/core";
import { useEffect, useState, type FormEvent } from "react";
import { addUser, administrator, listUsers, removeUser, setUserPassword } from "../api";
import { useWords } from "../language";
import { useLoaded } from "../loading";
import { Failure, Link, Notice, Page, Trouble, Waiting } from "../parts";
import { address } from "../router";

function AddUser({ onAdded }: { onAdded: () => void }) {
  const { t } = useWords();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<unknown>(null);
  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    try {
      await addUser(name.trim(), password);
      setName("");
      setPassword("");
      onAdded();
    } catch (error) {
      setTrouble(error);
    }
    setBusy(false);
  }
  return (
    <section className="details" aria-labelledby="add-user">
      <h2 id="add-user">{t("users.add")}</h2>
      <Trouble error={trouble} />
      <form className="stack" onSubmit={submit}>
        <TextInput label={t("users.name")} description={t("users.name_words")} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="off" required withAsterisk={false} maxLength={64} />
        <PasswordInput
          label={t("login.password")}
          description={t("users.password_words")}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          autoComplete="new-password"
          required
          withAsterisk={false}
          minLength={8}
          visibilityToggleButtonProps={{ "aria-label": t("login.show_password"), tabIndex: 0 }}
        />
        <Button type="submit" loading={busy}>
          {t("users.submit")}
        </Button>
      </form>
    </section>
  );
}

type Asking = { what: "password" | "remove"; user: string } | null;

/** A new password for a user, or the question whether the user is to go. */
function UserDialog({ asking, onClose, onDone }: { asking: Asking; onClose: () => void; onDone: () => void }) {
  const { t } = useWords();
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState<unknown>(null);
  const user = asking?.user ?? "";
  const close = () => {
    setPassword("");
    setTrouble(null);
    onClose();
  };
  const act = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await (asking?.what === "remove" ? removeUser(user) : setUserPassword(user, password));
      close();
      onDone();
    } catch (error) {
      setTrouble(error);
    }
  };
  const removing = asking?.what === "remove";
  return (
    <Modal opened={asking !== null} onClose={close} title={t(removing ? "users.remove" : "password.new")} closeButtonProps={{ "aria-label": t("action.close") }}>
      <form className="stack" onSubmit={act}>
        <Trouble error={trouble} />
        <p>{t(removing ? "users.remove_words" : "users.new_password_words", { user })}</p>
        {removing ? null : (
          <PasswordInput label={t("password.new")} value={password} onChange={(event) => setPassword(event.currentTarget.value)} autoComplete="new-password" required minLength={8} data-autofocus />
        )}
        <div className="row">
          <Button type="submit" className={removing ? "danger" : undefined}>
            {t(removing ? "users.remove" : "password.submit")}
          </Button>
          <Button variant="default" onClick={close} data-autofocus={removing || undefined}>
            {t("action.keep")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

export function UsersPage({ user }: { user: string }) {
  const { t, tn } = useWords();
  const allowed = user === administrator;
  const users = useLoaded(async (signal) => (allowed ? listUsers(signal) : []), [allowed]);
  const [asking, setAsking] = useState<Asking>(null);
  useEffect(() => {
    document.title = `${t("place.users")} · Gantry`;
  }, [t]);
  if (!allowed) {
    return (
      <Notice whole title={t("users.not_allowed")} action={<Link to={address.worklist()}>{t("nowhere.action")}</Link>}>
        {t("users.not_allowed_words")}
      </Notice>
    );
  }
  return (
    <Page title={t("place.users")} lead={users.value ? <span className="quiet">{tn("users.count", users.value.length)}</span> : null}>
      <div className="split">
        {users.error && !users.value ? (
          <Failure error={users.error} retry={users.reload} />
        ) : !users.value ? (
          <Waiting />
        ) : (
          <ul className="users" aria-label={t("place.users")}>
            {users.value.map((name) => (
              <li key={name}>
                <bdi className="user-name">{name}</bdi>
                {name === administrator ? (
                  <span className="quiet small">{t("users.administrator")}</span>
                ) : (
                  <span className="row">
                    <Button variant="default" size="xs" onClick={() => setAsking({ what: "password", user: name })} aria-label={`${t("password.new")}: ${name}`}>
                      {t("password.new")}
                    </Button>
                    <Button variant="default" size="xs" onClick={() => setAsking({ what: "remove", user: name })} aria-label={`${t("users.remove")}: ${name}`}>
                      {t("users.remove")}
                    </Button>
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
        <AddUser onAdded={users.reload} />
      </div>
      <UserDialog asking={asking} onClose={() => setAsking(null)} onDone={users.reload} />
    </Page>
  );
}
